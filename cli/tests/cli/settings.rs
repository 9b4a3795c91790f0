//! Configuration, counts, and what must be confirmed.

use serde_json::json;

use crate::harness::{Desk, Seen, Server, me, ok, unexpected};

async fn server() -> Server {
    Server::start(|seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" => ok(&me()),
        "PATCH /v1/apps/shop/config" => ok(&json!({"etag": "\"2\"", "deployment": null})),
        "GET /v1/apps/shop/config/PEM" => ok(&json!({"key": "PEM", "value": "a\nb\n"})),
        "GET /v1/apps/shop/scale" | "PUT /v1/apps/shop/scale" => {
            ok(&json!({"counts": {"web": 2, "worker": 0}}))
        }
        "GET /v1/apps/shop/autoscale" => ok(&json!({"processes": [], "decisions": []})),
        "GET /v1/apps/blog/scale" | "PUT /v1/apps/blog/scale" => {
            ok(&json!({"counts": {"web": 0, "worker": 0}}))
        }
        "GET /v1/apps/blog/autoscale" => {
            let settings = json!({"min": 2, "max": 8, "targets": {"cpu": 60}});
            let web = json!({"process": "web", "settings": settings, "count": 0, "paused": true,
                "present": null});
            ok(&json!({"processes": [web], "decisions": []}))
        }
        "DELETE /v1/apps/shop?confirm=shop" => ok(&json!(null)),
        _ => unexpected(seen),
    })
    .await
}

#[tokio::test]
async fn values_arrive_exactly_as_they_were_given() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    std::fs::write(desk.folder.join(".env"), "# local\nA='from file'\nB=\"two\\nlines\"\n")
        .unwrap();
    let said = desk
        .slipway_with(
            &["config:set", "-a", "shop", "--file", ".env", "A=$HOME #1 = 🚀", "PEM=-", "E="],
            "-----BEGIN-----\nx\n-----END-----\n\n",
        )
        .await
        .success();
    assert_eq!(said, "set A, B, E, PEM of shop; nothing had to be deployed\n");
    let expected = json!({"values": {"A": "$HOME #1 = 🚀", "B": "two\nlines", "E": "",
        "PEM": "-----BEGIN-----\nx\n-----END-----\n"}});
    assert_eq!(server.only("PATCH").json(), expected);
}

#[tokio::test]
async fn unsetting_sends_no_value() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.slipway(&["config", "unset", "-a", "shop", "A", "B"]).await.success();
    assert_eq!(server.only("PATCH").json(), json!({"values": {"A": null, "B": null}}));
}

#[tokio::test]
async fn what_get_prints_set_takes() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let value = desk.slipway(&["config", "get", "PEM", "-a", "shop"]).await.success();
    assert_eq!(value, "a\nb\n\n");
    desk.slipway_with(&["config", "set", "PEM=-", "-a", "shop"], &value).await.success();
    assert_eq!(server.only("PATCH").json(), json!({"values": {"PEM": "a\nb\n"}}));
}

#[tokio::test]
async fn standard_input_is_for_one_value() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway_with(&["config", "set", "-a", "shop", "A=-", "B=-"], "x").await;
    assert_eq!(ended.code, 2);
    assert_eq!(ended.stderr, "error: only one value can be read from standard input\n");
}

#[tokio::test]
async fn stopping_sets_every_count_to_zero_and_starting_wakes_what_sleeps() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.slipway(&["stop", "-a", "shop"]).await.success();
    assert_eq!(server.only("PUT").json(), json!({"counts": {"web": 0, "worker": 0}}));
    desk.slipway(&["start", "-a", "shop"]).await.success();
    let last = server.seen().pop().unwrap();
    assert_eq!(last.json(), json!({"counts": {"worker": 1}}));
}

#[tokio::test]
async fn starting_asks_for_no_fewer_than_the_autoscaler_admits() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.slipway(&["start", "-a", "blog"]).await.success();
    assert_eq!(server.only("PUT").json(), json!({"counts": {"web": 2, "worker": 1}}));
}

#[tokio::test]
async fn an_app_is_destroyed_only_when_its_name_is_confirmed() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    for arguments in [&["destroy", "shop"][..], &["destroy", "shop", "--confirm", "blog"]] {
        let ended = desk.slipway(arguments).await;
        assert_eq!(ended.code, 2, "{ended:?}");
    }
    assert!(!server.seen().iter().any(|seen| seen.line.starts_with("DELETE")));
    desk.slipway(&["destroy", "shop", "--confirm", "shop"]).await.success();
    server.only("DELETE /v1/apps/shop?confirm=shop");
}
