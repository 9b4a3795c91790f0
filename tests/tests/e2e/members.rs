//! People who join, are bounded by their role, and go, on the command line.

use std::time::Duration;

use anyhow::ensure;
use slipway_tests::{Backend, Slipway, Terminal, eventually};

use crate::Outcome;

const GRACE: &str = "grace@example.com";
const PASSWORD: &str = "a sentence of four words";
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers a question once the terminal shows it and does not show what is typed.
async fn answer(terminal: &mut Terminal, question: &str, words: &str) -> anyhow::Result<()> {
    terminal.shows(question).await?;
    let hidden = || async {
        ensure!(!terminal.is_ordinary()?, "what is typed would be shown");
        Ok(())
    };
    eventually("keys are not shown", PATIENCE, hidden).await?;
    terminal.type_in(&format!("{words}\r"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_joins_on_a_terminal_and_no_secret_is_shown() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let invited = ada.slipway(&["members", "invite", GRACE, "--role", "read"]).await;
    let link = invited.expect_success().stdout.trim().to_owned();
    let token = link.split_once('#').expect("a link has a secret").1;
    ada.slipway(&["members"]).await.expect_success().expect_said(&["invited by"]);

    let grace = slipway.person().await;
    let mut terminal = grace.on_terminal(&["join", &slipway.url()], 24, 100);
    answer(&mut terminal, "link, or its token", &link).await?;
    answer(&mut terminal, "new password", PASSWORD).await?;
    answer(&mut terminal, "the same again", PASSWORD).await?;
    ensure!(terminal.ended().await? == 0, "it joins: {}", terminal.text());
    let shown = terminal.text();
    ensure!(shown.contains(&format!("as {GRACE}, with the role read")), "{shown}");
    ensure!(!shown.contains(token) && !shown.contains(PASSWORD), "{shown}");

    grace.slipway(&["whoami"]).await.expect_success().expect_said(&[GRACE, "read"]);
    grace.slipway(&["apps"]).await.expect_success().expect_said(&["shop"]);
    grace.slipway(&["create", "blog"]).await.expect_failure(&["needs the scope `write`"]);
    grace.slipway(&["members", "invite", "eve@example.com"]).await.expect_failure(&["`admin`"]);
    ada.slipway(&["members", "role", GRACE, "write"]).await.expect_success();
    grace.slipway(&["create", "blog"]).await.expect_success();
    ada.slipway(&["members", "remove", GRACE, "--confirm", GRACE]).await.expect_success();
    grace.slipway(&["apps"]).await.expect_failure(&["slipway login"]);
    let again = grace.slipway(&["join", &link, "--password-stdin"]).await;
    again.expect_failure(&["the invitation is not valid"]);
    Ok(())
}
