//! The disk under the data directory fills up: a real one, small, in memory.

use std::time::Duration;

use anyhow::ensure;
use slipway_tests::disk::SmallDisk;
use slipway_tests::{Echo, Load, Slipway, eventually};

use crate::Outcome;

const SIZE: u64 = 256 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until the status says of both parts whether all is well.
async fn well(slipway: &Slipway, wanted: bool) -> Outcome {
    let says_so = || async {
        let parts = slipway.client().status().await?.components;
        let database = parts.iter().find(|part| part.name == "database").expect("always told");
        ensure!(database.ok == wanted, "{database:?}");
        let told = wanted || parts.iter().any(|part| part.message.starts_with("full: "));
        ensure!(told, "{parts:?}");
        Ok(())
    };
    eventually("the status says how the disk is", PATIENCE, says_so).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_changes_but_no_app_and_is_over_when_there_is_room() -> Outcome {
    let Some(disk) = SmallDisk::mount(SIZE)? else { return Ok(()) };
    let slipway = Slipway::start_on(disk.path()).await?;
    let bob = slipway.developer("spare").await;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.commit(&Echo::named("two")).await;
    let load = Load::on(&slipway.site("shop"));

    disk.fill(0)?;
    well(&slipway, false).await?;
    ada.slipway(&["status"]).await.expect_said(&["read-only until the disk has room"]);
    ada.slipway(&["scale", "web=2"]).await.expect_failure(&["disk is full", "hint: free space"]);
    ada.push().await.expect_failure(&["disk is full"]);
    ada.slipway(&["ps"]).await.expect_success();
    slipway.anonymous()?.is_ready().await?;

    // The server starts on the full disk too, and destroying an app works there.
    slipway.kill_server();
    slipway.start_server().await?;
    well(&slipway, false).await?;
    load.end().await.expect_nothing_dropped();
    bob.slipway(&["destroy", "spare", "--confirm", "spare"]).await.expect_success();

    disk.clear()?;
    well(&slipway, true).await?;
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    ada.push().await.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "two");
    Ok(())
}
