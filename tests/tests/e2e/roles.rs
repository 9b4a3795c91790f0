//! The roles in processes of their own, which meet only in the database and the data directory.

use std::process::Command;

use hyper::StatusCode;
use slipway_tests::http::Site;
use slipway_tests::program::built;
use slipway_tests::{Echo, Slipway};

use crate::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn roles_apart_deploy_roll_back_and_survive_a_kill() -> Outcome {
    let slipway = Slipway::start_apart().await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.deploy(&Echo::named("two")).await;
    slipway.kill_server();
    slipway.start_server().await?;
    ada.slipway(&["rollback"]).await.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "one");

    let cat = ada.tell_slipway(&["run", "--", "cat"], "from process to process").await;
    assert_eq!(cat.expect_success().stdout, "from process to process");

    let console = Site { proxy: slipway.console(), host: slipway.console().to_string() };
    let status = console.get("/").await?.status;
    assert!(status == StatusCode::OK || status.is_redirection(), "the console answers {status}");
    Ok(())
}

#[test]
fn roles_apart_are_refused_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    for role in ["api", "worker", "web"] {
        let mut program = Command::new(built("slipwayd"));
        let refused = program.arg(role).arg("--data").arg(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{said}");
        assert!(said.contains("on SQLite one process") && said.contains("hint:"), "{said}");
    }
}
