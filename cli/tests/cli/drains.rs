//! Drains, tried out.

use serde_json::{Value, json};

use crate::harness::{Desk, Ended, Seen, Server, me, ok, unexpected};

const DRAIN: &str = "drn_00000000000000000000000007";

async fn test(delivered: bool, error: Value, options: &[&str]) -> Ended {
    let server = Server::start(move |seen: &Seen| {
        if seen.line == "GET /v1/me" {
            ok(&me())
        } else if seen.line == format!("POST /v1/apps/shop/drains/{DRAIN}/test") {
            ok(&json!({"delivered": delivered, "error": error}))
        } else {
            unexpected(seen)
        }
    })
    .await;
    let desk = Desk::signed_in(&server).await;
    desk.slipway(&[&["drains", "test", DRAIN, "-a", "shop"], options].concat()).await
}

#[tokio::test]
async fn a_receiver_that_took_nothing_is_a_failure_for_people_and_programs_alike() {
    for options in [&[][..], &["--json"]] {
        let ended = test(false, json!("it answered 503"), options).await;
        let said = format!("error: {DRAIN} took nothing: it answered 503\n");
        assert_eq!((ended.code, ended.stderr), (1, said), "{options:?}");
    }
    let taken = test(true, Value::Null, &["--json"]).await.success();
    assert_eq!(taken, "{\n  \"delivered\": true,\n  \"error\": null\n}\n");
}
