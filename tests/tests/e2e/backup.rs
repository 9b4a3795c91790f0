//! A copy of the database, taken from a server at work and put in the place of a lost one.

use std::fs;

use slipway_tests::{Backend, Echo, Slipway};

use crate::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_running_servers_database_restores_it() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.slipway(&["config", "set", "GREETING=välkommen"]).await.expect_success();

    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("slipway-backup.db");
    let said = slipway.back_up(&copy)?;
    let keys = slipway.data().join("keys").display().to_string();
    assert!(said.contains(&keys) && said.contains("to restore"), "{said}");
    let again = slipway.back_up(&copy).unwrap_err().to_string();
    assert!(again.contains("hint: choose another name"), "{again}");
    slipway.person().await.slipway(&["create", "late"]).await.expect_success();

    slipway.stop_server().await?;
    let database = slipway.data().join("slipway.db");
    fs::copy(&copy, &database)?;
    for name in ["slipway.db-wal", "slipway.db-shm"] {
        let left = slipway.data().join(name);
        if left.exists() {
            fs::remove_file(left)?;
        }
    }
    slipway.start_server().await?;

    ada.slipway(&["config", "get", "GREETING"]).await.expect_success().expect_said(&["välkommen"]);
    let apps = ada.slipway(&["apps"]).await;
    assert!(!apps.expect_said(&["shop"]).text().contains("late"), "{apps}");
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    ada.deploy(&Echo::named("two")).await;
    assert_eq!(slipway.site("shop").text("/").await?, "two");
    Ok(())
}
