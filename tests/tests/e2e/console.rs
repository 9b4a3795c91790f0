//! The console in a real browser: everything that a person can see and press.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use slipway_core::wire::auth::Scope;
use slipway_core::wire::member::{InviteRequest, JoinRequest};
use slipway_tests::browser::Browser;
use slipway_tests::load::Habit;
use slipway_tests::program::of_this_crate;
use slipway_tests::{Backend, Developer, Echo, Load, Receiver, Slipway, eventually};

use crate::Outcome;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";
/// What strangers may write into commits, names and logs.
const HOSTILE: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";
/// A branch may hold no space.
const HOSTILE_BRANCH: &str = "<svg/onload=alert(3)>";

/// Lines of a log that a page keeps.
const MOST_LINES: usize = 5000;

/// A process that writes about a thousand lines a second, some with a word to search for.
const CHATTER: &str = r#"import time

line = 0
while True:
    for _ in range(20):
        line += 1
        word = "needle" if line % 50 == 0 else "hay"
        print(f"\033[32m{word}\033[0m number {line}", flush=False)
    print(end="", flush=True)
    time.sleep(0.02)
"#;

fn chatty(name: &str) -> Echo {
    let procfile = "web: python app.py\nchatter: python chatter.py\n";
    Echo::named(name).file("Procfile", procfile).file("chatter.py", CHATTER)
}

/// Long enough for curves of a few minutes.
const DRAWN_AFTER: Duration = Duration::from_mins(2);

/// Every page of somebody who is signed in, by the name of its picture.
fn pages(deployment: &str, failed: &str, member: &str) -> Value {
    json!({
        "apps": "/",
        "overview": "/apps/shop",
        "deployments": "/apps/shop/deployments",
        "deployment": format!("/deployments/{deployment}"),
        "deployment-failed": format!("/deployments/{failed}"),
        "releases": "/apps/shop/releases",
        "rollback": "/apps/shop/releases/1/rollback",
        "metrics": "/apps/shop/metrics?range=5m",
        "logs": "/apps/shop/logs",
        "config": "/apps/shop/config",
        "config-edit": "/apps/shop/config/edit",
        "scale": "/apps/shop/scale",
        "domains": "/apps/shop/domains",
        "autoscale": "/apps/shop/scale/web",
        "simulation": { "path": "/apps/shop/scale/web", "press": "Simulate" },
        "alerts": "/apps/shop/alerts",
        "alert-change": "/apps/shop/alerts?edit=errors#rule",
        "drains": "/apps/shop/drains",
        "alerts-host": "/alerts",
        "channels": "/channels",
        "channel-mail": "/channels?kind=email",
        "domain-removal": "/apps/shop/domains/shop.example.com/remove",
        "settings": "/apps/shop/settings",
        "events": "/events",
        "tokens": "/tokens",
        "members": "/members",
        "member-removal": format!("/members/{member}/remove"),
        "join": "/join",
        "server": "/server",
        "nowhere": "/apps/nowhere",
    })
}

/// An installation that was claimed in a browser, and that browser.
async fn claimed() -> anyhow::Result<(Slipway, Browser)> {
    let (mut slipway, mut browser) = unclaimed().await?;
    claim(&mut slipway, &mut browser).await?;
    Ok((slipway, browser))
}

async fn unclaimed() -> anyhow::Result<(Slipway, Browser)> {
    let slipway = Slipway::start_unclaimed(Backend::Sqlite).await?;
    let browser = Browser::open(slipway.console()).await?;
    Ok((slipway, browser))
}

async fn claim(slipway: &mut Slipway, browser: &mut Browser) -> Outcome {
    let token = slipway.claim_token()?;
    let claim = json!({ "token": token, "email": EMAIL, "password": PASSWORD });
    browser.step("claim", claim).await?;
    slipway.join(EMAIL, PASSWORD).await
}

async fn newest_deployment(slipway: &Slipway, app: &str) -> anyhow::Result<String> {
    let deployments = slipway.client().deployments(&Slipway::app(app)).await?;
    Ok(deployments[0].id.to_string())
}

/// Looks at pages in both themes and on a phone: with axe, or for their pictures when there is a
/// folder for them.
async fn look_at(browser: &mut Browser, paths: Value, folder: Option<&Path>) -> Outcome {
    let pages = json!({ "paths": paths, "folder": folder });
    browser.step("inspect", pages.clone()).await?;
    browser.step("inspectOnPhone", pages).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_deploys_watches_and_goes_back_in_a_browser() -> Outcome {
    let (slipway, mut browser) = claimed().await?;
    browser.step("signInAgain", json!({ "email": EMAIL, "password": PASSWORD })).await?;

    // The first release says something hostile in its log, and so do its commit and branch.
    let ada = slipway.developer("shop").await;
    ada.commit(&Echo::named(HOSTILE)).await;
    ada.commit_all(HOSTILE).await;
    ada.git(&["branch", "--move", HOSTILE_BRANCH]).await.expect_success();
    let refspec = format!("{HOSTILE_BRANCH}:main");
    let push = ["push", "slipway", &refspec];
    let watch = json!({ "app": "shop", "sequence": 1, "text": HOSTILE });
    let (push, watched) = tokio::join!(ada.git(&push), browser.step("watchPush", watch));
    push.expect_success();
    watched?;

    ada.git(&["branch", "--move", "main"]).await.expect_success();
    ada.deploy(&chatty("two")).await;
    browser.step("findInLog", json!({ "app": "shop", "text": HOSTILE })).await?;
    let read = json!({ "app": "shop", "needle": "needle", "most": MOST_LINES });
    println!("a log of 1000 lines a second: {}", browser.step("readLog", read).await?);
    browser.step("scale", json!({ "app": "shop", "process": "chatter", "count": 0 })).await?;
    let colour = json!({ "app": "shop", "key": "COLOUR", "value": "deep-blue" });
    browser.step("configure", colour).await?;

    assert_eq!(slipway.site("shop").text("/").await?, "two");
    let back = json!({ "app": "shop", "version": 1, "differs": ["Code", "COLOUR"] });
    browser.step("rollBack", back).await?;
    assert_eq!(slipway.site("shop").text("/").await?, HOSTILE);
    browser.step("deleteApp", json!({ "app": "shop" })).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_load_and_is_told_of_it_in_a_browser() -> Outcome {
    let (slipway, mut browser) = claimed().await?;
    let receiver = Receiver::start(0).await?;
    let ada = slipway.developer("shop").await;
    for release in ["one", "two"] {
        ada.deploy(&Echo::named(release)).await;
    }
    ada.slipway(&["rollback", "v1"]).await.expect_success();
    let load = Load::of(&slipway.site("shop"), &[Habit::Kept, Habit::Kept]);

    browser.step("addChannel", json!({ "name": "ops", "url": receiver.url() })).await?;
    let visited = json!({ "app": "shop", "name": "visited", "channel": "ops" });
    browser.step("seeAlertFire", visited.clone()).await?;
    let told = || async {
        let received = receiver.received();
        ensure!(received.iter().any(|one| one.json()["type"] == "alert.firing"), "not told yet");
        Ok(())
    };
    eventually("the receiver is told", Duration::from_secs(30), told).await?;
    browser.step("seeLoad", json!({ "app": "shop", "marker": "v3" })).await?;
    load.end().await.expect_nothing_dropped();
    browser.step("silence", visited).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_lets_an_app_scale_and_sends_its_log_elsewhere_in_a_browser() -> Outcome {
    let (slipway, mut browser) = claimed().await?;
    let receiver = Receiver::start(0).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let load = Load::of(&slipway.site("shop"), &[Habit::Kept, Habit::Kept]);
    browser.step("drain", json!({ "app": "shop", "url": receiver.url() })).await?;
    let scaling = json!({ "app": "shop", "process": "web", "max": 3, "rps": 50 });
    browser.step("autoscale", scaling).await?;
    load.end().await.expect_nothing_dropped();
    browser.close().await
}

/// Something on every page: alerts, a receiver of each kind, and a process that scales by itself.
async fn furnish(ada: &Developer) {
    for arguments in [
        &["config", "set", "COLOUR=blue"][..],
        &["alerts", "add", "busy", "--metric", "rps", "--above", "1", "--over", "10s"],
        &["alerts", "channels", "add", "ops", "webhook", "https://hooks.example.com/slipway"],
        &["autoscale", "set", "web", "--min", "2", "--max", "4", "--cpu", "60", "--rps", "200"],
        &["drains", "add", "syslog+tls://logs.example.com:6514"],
        &["domains", "add", "shop.example.com"],
    ] {
        ada.slipway(arguments).await.expect_success();
    }
}

/// One more app, whose second release does not build.
async fn fail(slipway: &Slipway) {
    let grace = slipway.developer("landing").await;
    grace.deploy(&Echo::named("landing")).await;
    grace.commit(&Echo::named("landing").building_with("RUN no-such-command")).await;
    grace.push().await.expect_failure(&["no-such-command"]);
}

/// Somebody who joined, by id, and somebody who has not yet.
async fn invite(slipway: &Slipway) -> anyhow::Result<String> {
    let invitation = |email: &str| -> anyhow::Result<InviteRequest> {
        Ok(InviteRequest { email: email.parse()?, role: Scope::Write })
    };
    slipway.client().invite(&invitation("alan@example.com")?).await?;
    let token = slipway.client().invite(&invitation("grace@example.com")?).await?.token;
    let join = JoinRequest { token, password: PASSWORD.to_owned() };
    slipway.anonymous()?.join(&join).await?;
    let members = slipway.client().members().await?;
    let grace = members.iter().find(|member| member.email.as_str() == "grace@example.com");
    Ok(grace.context("grace is no member")?.id.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_invited_joins_and_is_offered_what_their_role_permits() -> Outcome {
    let (slipway, mut ada) = claimed().await?;
    slipway.developer("shop").await;
    let grace = "grace@example.com";
    let link = ada.step("invite", json!({ "email": grace, "role": "read" })).await?;
    let mut there = Browser::open(slipway.console()).await?;
    there.step("join", json!({ "link": link, "password": PASSWORD })).await?;
    there.step("offersNoDelete", json!({ "app": "shop" })).await?;
    there.step("joinInVain", json!({ "link": link, "password": PASSWORD })).await?;

    ada.step("changeRole", json!({ "email": grace, "role": "write" })).await?;
    there.step("offersDelete", json!({ "app": "shop" })).await?;
    ada.step("removeMember", json!({ "email": grace })).await?;
    there.step("isSignedOut", json!({})).await?;
    there.close().await?;
    ada.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_for_everybody() -> Outcome {
    let (mut slipway, mut browser) = unclaimed().await?;
    look_at(&mut browser, json!({ "claim": "/claim" }), None).await?;
    claim(&mut slipway, &mut browser).await?;
    look_at(&mut browser, json!({ "empty": "/" }), None).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    look_at(&mut browser, json!({ "domains-empty": "/apps/shop/domains" }), None).await?;
    furnish(&ada).await;
    fail(&slipway).await;
    let member = invite(&slipway).await?;
    browser.step("useKeys", json!({ "app": "shop" })).await?;
    browser.step("useKeysOnAlerts", json!({ "app": "shop", "name": "latency" })).await?;
    let newest = newest_deployment(&slipway, "shop").await?;
    let failed = newest_deployment(&slipway, "landing").await?;
    look_at(&mut browser, pages(&newest, &failed, &member), None).await?;
    let first = json!({ "paths": ["/", "/apps/shop", "/apps/shop/metrics", "/apps/shop/logs"] });
    println!("bytes of a first load: {}", browser.step("firstLoad", first).await?);
    browser.step("signOut", json!({})).await?;
    look_at(&mut browser, json!({ "sign-in": "/sign-in" }), None).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "draws pictures for people to look at: `make screenshots`"]
async fn every_page_is_drawn() -> Outcome {
    let folder = of_this_crate("..").join("target/screenshots");
    fs::create_dir_all(&folder)?;
    let folder = Some(folder.as_path());
    let (mut slipway, mut browser) = unclaimed().await?;
    look_at(&mut browser, json!({ "claim": "/claim" }), folder).await?;
    claim(&mut slipway, &mut browser).await?;
    look_at(&mut browser, json!({ "empty": "/" }), folder).await?;
    let ada = slipway.developer("shop").await;
    for name in ["Fix the cart", "Add gift cards"] {
        chatty(name).write(ada.repository());
        ada.commit_all(name).await;
        ada.push().await.expect_success();
    }
    fail(&slipway).await;
    furnish(&ada).await;
    ada.slipway(&["scale", "chatter=1"]).await.expect_success();
    // Pictures of a server that does nothing would show nothing.
    let load = Load::on(&slipway.site("shop"));
    tokio::time::sleep(DRAWN_AFTER).await;
    let member = invite(&slipway).await?;
    let newest = newest_deployment(&slipway, "shop").await?;
    let failed = newest_deployment(&slipway, "landing").await?;
    look_at(&mut browser, pages(&newest, &failed, &member), folder).await?;
    load.end().await;
    browser.step("signOut", json!({})).await?;
    look_at(&mut browser, json!({ "sign-in": "/sign-in" }), folder).await?;
    browser.close().await
}
