//! Configuration, one-off commands and logs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use slipway_core::wire::config::ConfigPatch;
use slipway_tests::{Backend, Echo, Slipway, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use crate::Outcome;

/// Values that break what quotes, splits or expands them.
const AWKWARD: [(&str, &str); 6] = [
    ("LINES", "first\nsecond\n\nfourth\n"),
    ("QUOTES", r#"it's "quoted" \n \"#),
    ("DOLLARS", "$HOME ${PATH} $(id) `id`"),
    ("SIGNS", "a=b=c # no comment; %s & | > <"),
    ("EMOJI", "déjà vu 🚢 ｆｕｌｌ"),
    ("SPACES", "  kept on both sides\t "),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_value_reaches_the_app_byte_for_byte_in_a_release_of_its_own() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let (site, app) = (slipway.site("shop"), Slipway::app("shop"));

    let pairs = AWKWARD.map(|(key, value)| Ok((key.parse()?, Some(value.to_owned()))));
    let values = pairs.into_iter().collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    slipway.client().change_config(&app, &ConfigPatch { values }, None).await?;
    let arrived = || async {
        for (key, value) in AWKWARD {
            let inside = site.text(&format!("/env/{key}")).await?;
            anyhow::ensure!(inside == value, "{key} is {inside:?} inside");
        }
        Ok(())
    };
    eventually("the new release has the values", Duration::from_secs(30), arrived).await?;
    for (key, value) in AWKWARD {
        let shown = ada.slipway(&["config", "get", key]).await;
        shown.expect_success();
        assert_eq!(shown.stdout.strip_suffix('\n'), Some(value), "{key}");
    }
    ada.slipway(&["config", "unset", "LINES"]).await.expect_success();
    let unset = || async {
        anyhow::ensure!(site.text("/env/LINES").await? == "(unset)", "it is still set");
        Ok(())
    };
    eventually("the value is gone", Duration::from_secs(30), unset).await?;
    assert_eq!(slipway.client().app(&app).await?.summary.version, Some(3));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_off_command_passes_its_output_and_exit_code_on() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let seven = ada.slipway(&["run", "--", "sh", "-c", "echo $SLIPWAY_APP; exit 7"]).await;
    assert_eq!(seven.code, 7, "{seven}");
    seven.expect_said(&["shop"]);
    ada.slipway(&["run", "--", "true"]).await.expect_success();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn following_the_log_shows_the_next_release_boot() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let mut follow = ada.start("slipway", &["logs", "-f"]);
    let output = follow.stdout.take().context("it has an output")?;
    let mut lines = BufReader::new(output).lines();

    ada.deploy(&Echo::named("two")).await;
    let awaited = async {
        while let Some(line) = lines.next_line().await? {
            if line.contains("two listens") {
                return anyhow::Ok(());
            }
        }
        anyhow::bail!("the log ended")
    };
    timeout(Duration::from_secs(20), awaited).await.context("the line never came")?
}
