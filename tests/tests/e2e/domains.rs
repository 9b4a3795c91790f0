//! Names of the apps' own.

use std::time::Duration;

use anyhow::ensure;
use hyper::StatusCode;
use slipway_tests::http::Site;
use slipway_tests::load::{Habit, Load};
use slipway_tests::program::of_this_crate;
use slipway_tests::repository::copy;
use slipway_tests::{Backend, Echo, Slipway, eventually};

use crate::Outcome;

/// The proxy takes names by a reload, which waits for nothing but itself.
const SOON: Duration = Duration::from_secs(10);
const NAME: &str = "shop.example.com";

/// The same proxy, asked for another name.
fn at(slipway: &Slipway, name: &str) -> Site {
    Site { host: name.to_owned(), ..slipway.site("shop") }
}

async fn answers(site: &Site, expected: &str) -> Outcome {
    let look = || async {
        let text = site.text("/").await?;
        ensure!(text == expected, "it answers `{text}`");
        Ok(())
    };
    eventually(&format!("`{expected}` answers at {}", site.host), SOON, look).await
}

/// Nobody is there, and nobody is named.
async fn is_nobodys(site: &Site) -> Outcome {
    let look = || async {
        let answer = site.get("/").await?;
        ensure!(answer.status == StatusCode::NOT_FOUND, "it answers {}", answer.status);
        ensure!(!answer.text().contains("shop"), "{}", answer.text());
        Ok(())
    };
    eventually(&format!("nobody answers at {}", site.host), SOON, look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_answers_at_its_domain_until_it_is_removed_and_drops_nothing_meanwhile() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let (first, own) = (slipway.site("shop"), at(&slipway, NAME));
    is_nobodys(&own).await?;

    // A reload may close a kept connection just as a request is on its way there, whatever is
    // reloaded for. That new ones are never refused is what a domain must not change.
    let load = Load::of(&first, &[Habit::Fresh; 4]);
    let added = ada.slipway(&["domains", "add", "Shop.Example.COM."]).await;
    added.expect_success().expect_said(&[NAME, "A, AAAA or CNAME"]);
    answers(&own, "one").await?;
    let hosts = own.text("/env/ALLOWED_HOSTS").await?;
    assert_eq!(hosts, format!("shop.localhost,{NAME},localhost,127.0.0.1"));
    let port = first.proxy.port();
    let origins = own.text("/env/CSRF_TRUSTED_ORIGINS").await?;
    assert_eq!(origins, format!("http://shop.localhost:{port},http://{NAME}:{port}"));
    ada.slipway(&["domains"]).await.expect_success().expect_said(&[NAME]);
    ada.slipway(&["info"]).await.expect_success().expect_said(&[NAME]);

    ada.slipway(&["domains", "remove", NAME]).await.expect_success();
    is_nobodys(&own).await?;
    load.end().await.expect_nothing_dropped();
    assert_eq!(first.text("/").await?, "one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_one_apps_through_restarts_until_the_app_is_destroyed() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let (ada, bob) = (slipway.developer("shop").await, slipway.developer("blog").await);
    ada.slipway(&["domains", "add", NAME]).await.expect_success();
    ada.deploy(&Echo::named("shop")).await;
    bob.deploy(&Echo::named("blog")).await;
    let own = at(&slipway, NAME);
    answers(&own, "shop").await?;

    let refused = bob.slipway(&["domains", "add", NAME]).await;
    refused.expect_failure(&["belongs to another app"]);
    let reserved = bob.slipway(&["domains", "add", "shop.localhost"]).await;
    reserved.expect_failure(&["reserved", "hint:"]);
    let wildcard = bob.slipway(&["domains", "add", "*.example.com"]).await;
    wildcard.expect_failure(&["wildcard", "hint:"]);

    slipway.kill_server();
    assert_eq!(own.text("/").await?, "shop", "nginx needs no server of ours for it");
    slipway.start_server().await?;
    answers(&own, "shop").await?;
    ada.slipway(&["domains", "list"]).await.expect_success().expect_said(&[NAME]);

    ada.slipway(&["destroy", "shop", "--confirm", "shop"]).await.expect_success();
    is_nobodys(&own).await?;
    let freed = || async {
        let taken = bob.slipway(&["domains", "add", NAME, "--no-wait"]).await;
        ensure!(taken.code == 0, "{taken}");
        Ok(())
    };
    eventually("the name is free", Duration::from_mins(1), freed).await?;
    answers(&own, "blog").await
}

#[tokio::test(flavor = "multi_thread")]
async fn django_accepts_a_domain_that_was_added_while_it_ran() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    copy(&of_this_crate("../deploy/sample"), ada.repository());
    ada.commit_all("a small shop").await;
    ada.push().await.expect_success();
    let host = format!("{NAME}:{}", slipway.site("shop").proxy.port());
    ada.slipway(&["domains", "add", NAME]).await.expect_success();
    let page = at(&slipway, &host).text("/").await?;
    assert!(page.contains("stylesheet"), "{page}");
    Ok(())
}
