//! What shares a machine stays apart, and what goes leaves nothing.

use std::time::Duration;

use anyhow::ensure;
use hyper::StatusCode;
use slipway_tests::{Backend, Echo, Slipway, docker, eventually};

use crate::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_run_beside_each_other() -> Outcome {
    let mine = Slipway::start(Backend::Sqlite).await?;
    let yours = Slipway::start(Backend::Sqlite).await?;
    for (slipway, name) in [(&mine, "mine"), (&yours, "yours")] {
        let developer = slipway.developer("shop").await;
        developer.deploy(&Echo::named(name)).await;
    }
    assert_eq!(mine.site("shop").text("/").await?, "mine");
    drop(mine);
    assert_eq!(yours.site("shop").text("/").await?, "yours", "the other was not touched");
    Ok(())
}

/// Tells which of its arguments, `host:port` each, accept a connection.
const KNOCK: &str = "
import socket, sys
for door in sys.argv[1:]:
    host, port = door.split(':')
    try:
        socket.create_connection((host, int(port)), 2).close()
        print('reached', door)
    except OSError:
        print('closed', door)
";

#[tokio::test(flavor = "multi_thread")]
async fn an_app_reaches_neither_another_app_nor_the_server() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let (ada, bob) = (slipway.developer("shop").await, slipway.developer("blog").await);
    ada.deploy(&Echo::named("shop")).await;
    bob.deploy(&Echo::named("blog")).await;

    let mut doors = vec!["169.254.169.254:80".to_owned()];
    let address = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}} {{end}}";
    for container in docker::belongings(slipway.installation())? {
        let Some(container) = container.strip_prefix("container ") else { continue };
        let found = docker::docker(&["inspect", "--format", address, container])?;
        if let [host, gateway] = found.split_whitespace().collect::<Vec<_>>()[..] {
            doors.extend([format!("{host}:8000"), format!("{gateway}:{}", slipway.api().port())]);
        }
    }
    let mut knock = vec!["run", "--", "python", "-c", KNOCK];
    knock.extend(doors.iter().map(String::as_str));
    let (from_shop, from_blog) = tokio::join!(ada.slipway(&knock), bob.slipway(&knock));
    for output in [from_shop, from_blog] {
        output.expect_success();
        let reached: Vec<_> = output.stdout.lines().filter(|l| l.starts_with("reached")).collect();
        assert_eq!(reached.len(), 1, "its own instance, and nothing else: {output}");
    }
    let nobody = slipway.site("nobody").get("/").await?;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert!(!nobody.text().contains("shop"), "{}", nobody.text());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_app_leaves_nothing_and_frees_its_name() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let before = docker::belongings(slipway.installation())?;
    ada.deploy(&Echo::named("one")).await;
    ada.slipway(&["scale", "web=2"]).await.expect_success();

    ada.slipway(&["destroy", "shop"]).await.expect_failure(&["--confirm"]);
    ada.slipway(&["destroy", "shop", "--confirm", "shop"]).await.expect_success();
    let gone = || async {
        let left = docker::belongings(slipway.installation())?;
        let left: Vec<_> = left.difference(&before).filter(|name| !is_shared(name)).collect();
        ensure!(left.is_empty(), "{left:?}");
        let status = slipway.site("shop").get("/").await?.status;
        ensure!(status == StatusCode::NOT_FOUND, "the proxy answers {status}");
        Ok(())
    };
    eventually("nothing of the app is left", Duration::from_mins(1), gone).await?;

    let again = slipway.developer("shop").await;
    again.deploy(&Echo::named("reborn")).await;
    assert_eq!(slipway.site("shop").text("/").await?, "reborn");
    Ok(())
}

/// Whether it serves every app of the installation.
fn is_shared(name: &str) -> bool {
    name.starts_with("image ")
        && docker::docker(&["inspect", "--format", "{{json .Config.Labels}}", &name[6..]])
            .is_ok_and(|labels| !labels.contains("slipway.deployment"))
}
