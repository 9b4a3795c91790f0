//! `slipway releases`

use std::str::FromStr;

use slipway_client::ReleasePage;
use slipway_core::wire::release::{Differences, ReleaseInfo, ReleaseSummary};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table, facts};
use crate::view::{Tone, View, word};

/// List the releases, or describe one
///
/// A release is an image, a configuration and the processes to run: everything that `slipway
/// rollback` brings back.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  slipway releases
  slipway releases -n 50
  slipway releases info v10"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// How many, newest first
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    limit: u32,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Describe a release, and what differs from the live one
    #[command(after_help = "Examples:
  slipway releases info v10")]
    Info {
        /// The release
        version: Version,
    },
}

/// A release's number, as people write it: `v10` or `10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub u32);

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix('v').unwrap_or(text).parse().map(Self);
        number.map_err(|_| "a release is a number such as `v10`")
    }
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    match args.verb {
        Some(Verb::Info { version }) => {
            let release = client.release(&app, version.0).await?;
            invocation.printer.show(&release, |view| render_one(view, &release))
        }
        None => {
            let page = ReleasePage { limit: Some(args.limit), before: None };
            let releases = client.releases(&app, page).await?;
            invocation.printer.show(&releases, |view| render(view, &releases))
        }
    }
}

fn render(view: &View, releases: &[ReleaseSummary]) -> String {
    if releases.is_empty() {
        return "no releases yet; the first deploy makes one\n".to_owned();
    }
    let mut table = Table::new(["RELEASE", "STATE", "CREATED", "BY", "WHY", "SOURCE"]);
    for release in releases {
        let (tone, state) = state(release);
        table.row([
            Cell::toned(Tone::Strong, format!("v{}", release.version)),
            Cell::toned(tone, state),
            view.when(release.created_at).into(),
            release.created_by.as_str().into(),
            release.description.as_str().into(),
            release.source.as_deref().unwrap_or("–").into(),
        ]);
    }
    table.render(view)
}

fn state(release: &ReleaseSummary) -> (Tone, String) {
    let (tone, state) = match release {
        ReleaseSummary { live: true, .. } => (Tone::Good, "live"),
        ReleaseSummary { image_kept: false, .. } => (Tone::Quiet, "image removed"),
        ReleaseSummary { stable: true, .. } => (Tone::Plain, "stable"),
        ReleaseSummary { .. } => (Tone::Doubtful, "never stable"),
    };
    (tone, if release.pinned { format!("{state}, pinned") } else { state.to_owned() })
}

fn render_one(view: &View, release: &ReleaseInfo) -> String {
    let summary = &release.summary;
    let version = view.paint(Tone::Strong, &format!("v{}", summary.version));
    let (tone, state) = state(summary);
    let mut pairs = vec![
        ("why", word(&summary.description)),
        ("by", word(&summary.created_by)),
        ("created", view.when(summary.created_at)),
    ];
    pairs.extend(summary.source.as_ref().map(|source| ("source", word(source))));
    pairs.extend(summary.copy_of.map(|version| ("copy of", format!("v{version}"))));
    let image = format!("{}  {}", release.image.repository, release.image.digest);
    pairs.push(("image", word(image.trim())));
    for (name, process) in &release.formation.processes {
        pairs.push(("process", format!("{name}: {}", word(&process.command.display()))));
    }
    let command = release.formation.release_command.as_ref();
    pairs.extend(command.map(|command| ("release command", word(&command.display()))));
    let keys: Vec<&str> = release.config_keys.iter().map(AsRef::as_ref).collect();
    pairs.push(("config", if keys.is_empty() { "none".to_owned() } else { keys.join(" ") }));
    let text = format!("{version}  {}\n{}", view.paint(tone, &state), facts(view, &pairs));
    let Some(differences) = &release.differs_from_live else { return text };
    let from = differences.from_version;
    let compared = render_differences(view, differences);
    format!("{text}\ncompared with v{from}, which is live\n{compared}")
}

/// What changes on the way from one release to the other.
pub fn render_differences(view: &View, differences: &Differences) -> String {
    if differences.is_empty() {
        return "  nothing differs\n".to_owned();
    }
    let mut pairs = Vec::new();
    pairs.extend(differences.code.as_ref().map(|(from, to)| {
        ("code", format!("{} → {}", word(from), view.paint(Tone::Strong, &word(to))))
    }));
    let keys = [
        (Tone::Good, '+', &differences.config_added),
        (Tone::Bad, '-', &differences.config_removed),
        (Tone::Doubtful, '~', &differences.config_changed),
    ];
    for (tone, sign, keys) in keys {
        pairs.extend(keys.iter().map(|key| ("config", view.paint(tone, &format!("{sign} {key}")))));
    }
    pairs.extend(differences.processes.iter().map(|line| ("processes", word(line))));
    let mut previous = "";
    for (label, _) in &mut pairs {
        *label = if *label == std::mem::replace(&mut previous, label) { "" } else { *label };
    }
    facts(view, &pairs)
}

#[cfg(test)]
mod tests {
    use slipway_core::process::{Command, Formation, HealthCheck, Limits, ProcessSpec};
    use slipway_core::release::ImageRef;

    use super::*;
    use crate::testing::{self, PLAIN, TERMINAL, visible};

    #[test]
    fn a_release_is_named_with_or_without_its_letter() {
        assert_eq!(("v10".parse(), "10".parse()), (Ok(Version(10)), Ok(Version(10))));
        assert!("vv1".parse::<Version>().is_err() && "latest".parse::<Version>().is_err());
    }

    #[test]
    fn releases_are_listed_with_their_state() {
        let mut releases = [44, 43, 42, 41].map(testing::release);
        releases[0].live = true;
        releases[0].description = "rollback to v41".to_owned();
        releases[1].stable = false;
        releases[2].image_kept = false;
        releases[2].source = None;
        releases[3].pinned = true;
        insta::assert_snapshot!("releases", render(&PLAIN, &releases));
        insta::assert_snapshot!("releases_on_a_terminal", visible(&render(&TERMINAL, &releases)));
        insta::assert_json_snapshot!("releases_as_json", releases);
    }

    #[test]
    fn a_release_shows_what_differs_from_the_live_one() {
        let web = ProcessSpec {
            command: Command::Shell("gunicorn shop.wsgi".to_owned()),
            port: Some(8000),
            health: HealthCheck::default(),
            limits: Limits::default(),
        };
        let release = ReleaseInfo {
            summary: testing::release(41),
            image: ImageRef {
                repository: "slipway/shop".to_owned(),
                digest: "sha256:0123".to_owned(),
            },
            formation: Formation {
                processes: [("web".parse().unwrap(), web)].into(),
                release_command: Some(Command::Shell("python manage.py migrate".to_owned())),
                ..Formation::default()
            },
            origin: None,
            config_keys: vec!["DATABASE_URL".parse().unwrap(), "OLD_KEY".parse().unwrap()],
            differs_from_live: Some(testing::differences()),
        };
        insta::assert_snapshot!("a_release", render_one(&PLAIN, &release));
        insta::assert_snapshot!(
            "a_release_on_a_terminal",
            visible(&render_one(&TERMINAL, &release))
        );
        insta::assert_json_snapshot!("a_release_as_json", release);
    }
}
