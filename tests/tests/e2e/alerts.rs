//! Alerts on a whole installation: measured, decided, and told to real receivers.

use std::time::Duration;

use anyhow::{Context, ensure};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use slipway_tests::{
    Backend, Developer, Echo, Load, Mailbox, Received, Receiver, Slipway, eventually,
};

use crate::Outcome;

/// A reading over 10 s, a look every 5 s, an attempt that died after 30 s, and a slow machine.
const SOON: Duration = Duration::from_secs(90);

/// An app with an alert that fires as soon as somebody visits.
async fn watched(slipway: &Slipway) -> Developer {
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let add = ["alerts", "add", "visited", "--metric", "rps", "--above", "1", "--over", "10s"];
    ada.slipway(&add).await.expect_success().expect_said(&["rps above 1/s"]);
    ada
}

/// Adds a webhook; the secret its messages are signed with.
async fn webhook(ada: &Developer, receiver: &Receiver) -> anyhow::Result<String> {
    let add = ["alerts", "channels", "add", "ops", "webhook", &receiver.url()];
    let added = ada.slipway(&add).await;
    added.expect_success();
    ensure!(!added.text().contains("hunter2"), "the path is a secret");
    let secret = added.stdout.lines().find_map(|line| line.strip_prefix("secret: "));
    Ok(secret.context("a secret is shown")?.to_owned())
}

async fn told(receiver: &Receiver, kind: &str) -> anyhow::Result<Received> {
    let look = || async {
        let received = receiver.received();
        let found = received.into_iter().rfind(|one| one.json()["type"] == kind);
        found.with_context(|| format!("no {kind} yet"))
    };
    eventually(format!("the receiver is told {kind}"), SOON, look).await
}

fn is_signed(message: &Received, secret: &str) -> bool {
    let header = message.header("slipway-signature");
    let parts = header.strip_prefix("t=").and_then(|rest| rest.split_once(",v1="));
    let Some((seconds, signature)) = parts else { return false };
    let Ok(signature) = hex::decode(signature) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(&message.body);
    mac.verify_slice(&signature).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_told_when_it_fires_and_when_it_is_over_and_not_in_between() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let (receiver, mailbox) = (Receiver::start(0).await?, Mailbox::start().await?);
    let ada = watched(&slipway).await;
    let secret = webhook(&ada, &receiver).await?;
    let port = mailbox.port().to_string();
    let email = ["alerts", "channels", "add", "mail", "email", "--smtp", "127.0.0.1", "--plain"];
    let whom = ["--port", &port, "--from", "slipway@example.com", "--to", "ada@example.com"];
    ada.slipway(&[&email[..], &whom].concat()).await.expect_success();
    ada.slipway(&["alerts", "test", "ops"]).await.expect_success();
    ada.slipway(&["alerts", "test", "mail"]).await.expect_success();

    let load = Load::on(&slipway.site("shop"));
    let fired = told(&receiver, "alert.firing").await?;
    // Looks that see what they saw before tell nothing.
    tokio::time::sleep(Duration::from_secs(12)).await;
    load.end().await.expect_nothing_dropped();
    let over = told(&receiver, "alert.resolved").await?;

    let received = receiver.received();
    let kinds: Vec<Value> = received.iter().map(|one| one.json()["type"].clone()).collect();
    assert_eq!(kinds, ["test", "alert.firing", "alert.resolved"]);
    assert!(received.iter().all(|one| is_signed(one, &secret)));
    assert!(!is_signed(&received[0], "another secret of that length"));
    assert_eq!(fired.json()["firing"]["id"], over.json()["firing"]["id"]);
    let mails = || async {
        let subjects: Vec<String> =
            mailbox.mails().iter().map(|mail| subject(&mail.data)).collect();
        ensure!(subjects.len() >= 3, "{subjects:?}");
        Ok(subjects)
    };
    let subjects = eventually("three mails are there", SOON, mails).await?;
    assert!(subjects.len() == 3, "{subjects:?}");
    assert!(subjects[1].starts_with("[firing] shop: rps is "), "{subjects:?}");
    assert!(subjects[2].starts_with("[resolved] shop: rps is "), "{subjects:?}");
    assert_eq!(mailbox.mails()[1].to, ["ada@example.com"]);

    ada.slipway(&["alerts", "history"]).await.expect_success().expect_said(&["visited", "rps is"]);
    let events = ada.slipway(&["events", "-a", "shop"]).await;
    events.expect_said(&["alert visited fires (warning)", "alert visited is over"]);
    Ok(())
}

fn subject(data: &str) -> String {
    let line = data.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_while_it_tells_tells_again_and_never_what_was_confirmed() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let receiver = Receiver::start(1).await?;
    let ada = watched(&slipway).await;
    webhook(&ada, &receiver).await?;
    let load = Load::on(&slipway.site("shop"));
    // The receiver has the message and never said so.
    let first = told(&receiver, "alert.firing").await?;
    slipway.kill_server();
    slipway.start_server().await?;
    let again = || async {
        let count = receiver.received().len();
        ensure!(count >= 2, "{count} messages");
        Ok(())
    };
    eventually("the message comes again", SOON, again).await?;
    slipway.kill_server();
    slipway.start_server().await?;
    load.end().await;
    told(&receiver, "alert.resolved").await?;
    let received = receiver.received();
    let ids: Vec<&str> = received.iter().map(|one| one.header("slipway-delivery")).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!((ids[0], ids[1]), (first.header("slipway-delivery"), ids[0]));
    assert_ne!(ids[1], ids[2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_inside_is_reached_that_the_operator_did_not_allow() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.person().await;
    let add = |url| ["alerts", "channels", "add", "inside", "webhook", url];
    for url in ["http://127.0.0.2:1/", "http://169.254.169.254/latest", "http://[::1]:1/"] {
        ada.slipway(&add(url)).await.expect_failure(&["sends nothing there", "--allow-outbound"]);
    }
    // What is saved is checked again when it is used.
    let receiver = Receiver::start(0).await?;
    ada.slipway(&add(&receiver.url())).await.expect_success();
    ada.slipway(&["alerts", "test", "inside"]).await.expect_success();
    slipway.forbid_outbound();
    slipway.stop_server().await?;
    slipway.start_server().await?;
    let refused = ["inside did not get the message", "127.0.0.1", "a loopback address"];
    ada.slipway(&["alerts", "test", "inside"]).await.expect_failure(&refused);
    let received = receiver.received().len();
    ensure!(received == 1, "{received} messages arrived");
    Ok(())
}
