//! From `git push` to the first answer of the new release.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;
use slipway_tests::program::of_this_crate;
use slipway_tests::repository::copy;
use slipway_tests::{Developer, Echo, Load, Slipway};
use tempfile::TempDir;

use crate::by_hand::{ByHand, Container, python_base, succeed};
use crate::measure::{in_ms, median, ratio, until_answered};
use crate::table::{Line, Table};

const ROUNDS: usize = 7;
const GOAL: f64 = 0.85;

/// A code-only change of the sample app: Django, with its release command.
pub async fn sample(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let ada = slipway.developer("sample").await;
    copy(&of_this_crate("../deploy/sample"), ada.repository());
    let migrate = ["python", "manage.py", "migrate", "--noinput"];
    let footer = "templates/base.html";
    let written = fs::read_to_string(ada.repository().join(footer))?;
    let change = |folder: &Path, text: &str| {
        let changed = written.replace("</footer>", &format!(" · {text}</footer>"));
        Ok(fs::write(folder.join(footer), changed)?)
    };
    compare(
        slipway,
        table,
        &ada,
        &Contest {
            what: "push → live, sample app (Django, with `migrate`)",
            app: "sample",
            dockerfile: include_str!("sample.dockerfile"),
            release: Some(&migrate),
            change: &change,
        },
    )
    .await
}

/// A code-only change of an app without dependencies or a release command.
pub async fn tiny(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let ada = slipway.developer("tiny").await;
    let change = |folder: &Path, text: &str| {
        Echo::named(text).write(folder);
        Ok(())
    };
    compare(
        slipway,
        table,
        &ada,
        &Contest {
            what: "push → live, tiny app",
            app: "tiny",
            dockerfile: include_str!("tiny.dockerfile"),
            release: None,
            change: &change,
        },
    )
    .await
}

/// Twenty deploys with visitors on the app.
pub async fn twenty_under_load(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    const DEPLOYS: usize = 20;
    let ada = slipway.developer("busy").await;
    ada.deploy(&Echo::named("release 0")).await;
    let load = Load::on(&slipway.site("busy"));
    for number in 1..=DEPLOYS {
        ada.deploy(&Echo::named(&format!("release {number}"))).await;
    }
    let tally = load.end().await;
    table.add(Line {
        what: format!("requests dropped during {DEPLOYS} deploys under load"),
        slipway: format!("{} of {}", tally.failed, tally.total()),
        by_hand: String::new(),
        ratio: None,
        goal: "0".to_owned(),
        is_met: tally.failed == 0 && tally.total() > 1000,
    });
    Ok(())
}

/// One app, both ways.
struct Contest<'a> {
    what: &'a str,
    app: &'a str,
    /// As most developers write it, on the base image that Slipway uses.
    dockerfile: &'a str,
    release: Option<&'a [&'a str]>,
    /// Makes `/` answer with a text that contains this one.
    change: &'a dyn Fn(&Path, &str) -> anyhow::Result<()>,
}

async fn compare(
    slipway: &Slipway,
    table: &mut Table,
    ada: &Developer,
    contest: &Contest<'_>,
) -> anyhow::Result<()> {
    let by_hand = ByHand::start()?;
    let script = Script::prepare(&by_hand, ada.repository())?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut old: Option<Container> = None;
    // The first round fills the caches of both and is not counted.
    for round in 0..=ROUNDS {
        let name = format!("round {round}");
        (contest.change)(ada.repository(), &name)?;
        ada.commit_all(&name).await;
        ours.push(push(slipway, contest.app, ada, &name).await?);
        let (new, took) = script.run(contest, &name).await?;
        theirs.push(took);
        if let Some(old) = old.replace(new) {
            old.remove()?;
        }
    }
    let (ours, theirs) = (median(&ours[1..])?, median(&theirs[1..])?);
    let ratio = ratio(ours, theirs);
    table.add(Line {
        what: contest.what.to_owned(),
        slipway: in_ms(ours),
        by_hand: in_ms(theirs),
        ratio: Some(ratio),
        goal: format!("≤ {GOAL}"),
        is_met: ratio <= GOAL,
    });
    Ok(())
}

/// `git push` until the new release answers, whatever git has still to say.
async fn push(
    slipway: &Slipway,
    app: &str,
    ada: &Developer,
    name: &str,
) -> anyhow::Result<Duration> {
    let site = slipway.site(app);
    let started = Instant::now();
    let live = async {
        until_answered(&site, name).await?;
        anyhow::Ok(started.elapsed())
    };
    let (pushed, live) = tokio::join!(ada.push(), live);
    ensure!(pushed.code == 0, "{pushed}");
    live
}

/// The script: push to a bare repository, unpack, build, run, wait, switch.
struct Script<'a> {
    by_hand: &'a ByHand,
    folder: TempDir,
    repository: &'a Path,
    base: String,
}

impl<'a> Script<'a> {
    fn prepare(by_hand: &'a ByHand, repository: &'a Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let script = Self { by_hand, folder, repository, base: python_base()? };
        fs::create_dir(script.context())?;
        succeed(Command::new("git").args(["init", "--quiet", "--bare"]).arg(script.bare()))?;
        Ok(script)
    }

    async fn run(
        &self,
        contest: &Contest<'_>,
        name: &str,
    ) -> anyhow::Result<(Container, Duration)> {
        let dockerfile = contest.dockerfile.replace("{base}", &self.base);
        fs::write(self.context().join("Dockerfile"), dockerfile)?;
        let archive = self.folder.path().join("source.tar");
        let started = Instant::now();

        let push = ["push", "--quiet"];
        let at_home = |folder: &Path| {
            let mut git = Command::new("git");
            git.arg("-C").arg(folder);
            git
        };
        succeed(at_home(self.repository).args(push).arg(self.bare()).arg("main"))?;
        succeed(at_home(&self.bare()).arg("archive").arg("--output").arg(&archive).arg("main"))?;
        succeed(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(self.context()))?;
        let image = self.by_hand.build(&self.context(), &name.replace(' ', "-"))?;
        if let Some(release) = contest.release {
            self.by_hand.run_once(&image, release)?;
        }
        let container = self.by_hand.run(&image)?;
        container.ready(name).await?;
        self.by_hand.switch(&[container.address])?;
        until_answered(&self.by_hand.site(), name).await?;
        Ok((container, started.elapsed()))
    }

    fn bare(&self) -> PathBuf {
        self.folder.path().join("app.git")
    }

    fn context(&self) -> PathBuf {
        self.folder.path().join("context")
    }
}
