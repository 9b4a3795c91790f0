//! Deploying, watching, taking back, running.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::json;

use crate::harness::{
    Desk, Seen, Server, deployment, events, goes_live, me, ok, refuse, unexpected,
};

/// A server whose deployments go live, and whose commands exit with 3.
async fn server() -> Server {
    Server::start(|seen: &Seen| {
        let path = seen.line.split('?').next().unwrap();
        let stream = format!(
            "GET /v1/deployments/{}/stream",
            deployment(&json!(null))["id"].as_str().unwrap()
        );
        match path {
            "GET /v1/me" => ok(&me()),
            "POST /v1/apps/shop/deploy/archive"
            | "POST /v1/apps/shop/deploy/image"
            | "POST /v1/apps/shop/restart"
            | "POST /v1/apps/shop/rollback" => ok(&deployment(&json!({"name": "queued"}))),
            "GET /v1/apps/shop/rollback" => ok(&described(41)),
            "POST /v1/apps/shop/runs" => {
                ok(&json!({"id": "job_00000000000000000000000009", "version": 42}))
            }
            "GET /v1/apps/shop/runs/job_00000000000000000000000009/stream" => events(&[
                json!({"type": "line", "text": "one\u{1b}[2J"}),
                json!({"type": "exited", "code": 3}),
            ]),
            path if path == stream => goes_live(),
            _ => unexpected(seen),
        }
    })
    .await
}

fn release(version: u32, live: bool) -> serde_json::Value {
    json!({"version": version, "description": "push 3f2a9c1", "source": null, "created_by": "ada",
        "created_at": 1, "live": live, "stable": true, "pinned": false, "image_kept": true,
        "copy_of": null})
}

fn described(version: u32) -> serde_json::Value {
    let mut release = release(version, false);
    let more = json!({"image": {"repository": "shop", "digest": "sha256:1"},
        "formation": {"processes": {}, "release_command": null}, "origin": null, "config_keys": [],
        "differs_from_live": {"from_version": 42, "to_version": 41,
            "code": ["3f2a9c1 fix the cart", "1b2c3d4 add the cart"], "config_added": [],
            "config_removed": ["NEW_KEY"], "config_changed": [], "processes": []}});
    release.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    release
}

#[tokio::test]
async fn a_directory_is_packed_uploaded_and_watched_until_it_is_live() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.repository().await;
    std::fs::write(desk.folder.join("web.py"), "print('changed')").unwrap();
    let shown = desk.slipway(&["deploy", "-a", "shop"]).await.success();
    insta::assert_snapshot!(shown, @"
    -----> Packed 1 file, 1 kB
    -----> Starting v42: web=1
    =====> shop v42 is live at http://shop.localhost
    ");
    let upload = server.only("POST /v1/apps/shop/deploy/archive");
    assert!(upload.line.ends_with("fix+the+cart+%28changed%29"), "{}", upload.line);
    let mut tar = tar::Archive::new(GzDecoder::new(upload.body.as_slice()));
    let mut entry = tar.entries().unwrap().next().unwrap().unwrap();
    let mut content = String::new();
    entry.read_to_string(&mut content).unwrap();
    assert_eq!(content, "print('changed')");
}

#[tokio::test]
async fn json_of_a_deployment_is_one_update_a_line() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let shown = desk.slipway(&["deploy", "-a", "shop", "--image", "shop:2", "--json"]).await;
    let shown = shown.success();
    let kinds: Vec<String> = shown
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|update| update["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["line", "moved", "line", "done"]);
    let sent = server.only("POST /v1/apps/shop/deploy/image");
    assert_eq!(sent.json(), json!({"reference": "shop:2"}));
}

#[tokio::test]
async fn without_waiting_the_way_to_watch_is_shown() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["restart", "-a", "shop", "--no-wait"]).await;
    assert_eq!(ended.stderr, "hint: watch it with `slipway logs -f -a shop`\n");
    assert_eq!(ended.success(), "deployment 12 of shop was accepted\n");
}

#[tokio::test]
async fn a_failed_deployment_exits_with_1_and_says_why() {
    let server = Server::start(|seen: &Seen| {
        let reason =
            json!({"code": "release_command_failed", "message": "`migrate` exited with 1"});
        let failed = json!({"name": "failed", "reason": reason});
        match seen.line.as_str() {
            "GET /v1/me" => ok(&me()),
            "POST /v1/apps/shop/deploy/image" => ok(&deployment(&json!({"name": "queued"}))),
            line if line.ends_with("/stream") => events(&[
                json!({"type": "line", "text": "-----> release: migrate"}),
                json!({"type": "done", "deployment": deployment(&failed)}),
            ]),
            _ => unexpected(seen),
        }
    })
    .await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["deploy", "-a", "shop", "--image", "shop:2"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "-----> release: migrate\n"));
    insta::assert_snapshot!(ended.stderr);
}

#[tokio::test]
async fn a_refused_upload_shows_the_servers_reason() {
    let server = Server::start(|seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" => ok(&me()),
        _ => refuse(404, "not_found", "app `shop` was not found", Some("run `slipway apps`")),
    })
    .await;
    let desk = Desk::signed_in(&server).await;
    std::fs::write(desk.folder.join("a"), "").unwrap();
    let ended = desk.slipway(&["deploy", "-a", "shop"]).await;
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stderr, "error: app `shop` was not found\nhint: run `slipway apps`\n");
}

#[tokio::test]
async fn an_empty_directory_is_not_uploaded() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["deploy", "-a", "shop"]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: there is nothing to deploy in `.`\n"), "{ended:?}");
}

#[tokio::test]
async fn a_rollback_shows_what_differs_and_names_its_release() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let shown = desk.slipway(&["rollback", "-a", "shop"]).await.success();
    insta::assert_snapshot!(shown);
    assert_eq!(server.only("POST /v1/apps/shop/rollback").json(), json!({"version": 41}));
}

#[tokio::test]
async fn the_exit_code_of_a_command_passes_through() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["run", "-a", "shop", "python", "-c", "exit(3)", "--json"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (3, ""));
    assert_eq!(ended.stdout, "one\u{1b}[2J\n", "in a pipe, output is exact");
    let sent = server.only("POST /v1/apps/shop/runs");
    let command = json!(["python", "-c", "exit(3)", "--json"]);
    assert_eq!(sent.json(), json!({"command": command, "timeout_s": null}));
}

#[tokio::test]
async fn canceling_takes_the_newest_deployment_that_is_under_way() {
    let canceled = json!({"name": "canceled",
        "reason": {"code": "canceled", "message": "canceled by ada@example.com"}});
    let id = deployment(&json!(null))["id"].as_str().unwrap().to_owned();
    let server = Server::start(move |seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" => ok(&me()),
        "GET /v1/apps/shop/deployments" => ok(&json!([deployment(&json!({"name": "building"}))])),
        line if line == format!("POST /v1/deployments/{id}/cancel") => ok(&deployment(&canceled)),
        _ => unexpected(seen),
    })
    .await;
    let desk = Desk::signed_in(&server).await;
    let said = desk.slipway(&["deployments", "cancel", "-a", "shop"]).await.success();
    assert_eq!(said, "deployment 12 of shop was canceled\n");
    let ended = desk.slipway(&["deployments", "cancel", "11", "-a", "shop"]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (1, "error: there is no deployment 11 of shop\n")
    );
}

#[tokio::test]
async fn following_events_misses_none_after_the_newest_shown() {
    let event = |id: i64| json!({"id": id, "at": 0, "app": "shop", "kind": "app_created", "by": format!("ada {id}")});
    let server = Server::start(move |seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" => ok(&me()),
        "GET /v1/events" => ok(&json!((1..=30).map(event).collect::<Vec<_>>())),
        "GET /v1/events?after=30" if seen.last_event_id.is_empty() => events(&[event(31)]),
        _ => refuse(404, "not_found", "the end of this test", None),
    })
    .await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["events", "-f"]).await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], "1970-01-01T00:00:00Z shop: created by ada 11");
    assert_eq!(lines[20], "1970-01-01T00:00:00Z shop: created by ada 31");
    assert_eq!(ended.stderr, "error: the end of this test\n");
}
