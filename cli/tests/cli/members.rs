//! Inviting, joining, leaving, as it is typed.

use serde_json::{Value, json};
use slipway_core::id::{Id, InvitationId, UserId};

use crate::harness::{Desk, Seen, Server, me, ok, refuse, session, unexpected, user};

const LINK_TOKEN: &str = "t0k3n-of-one-use";

fn grace() -> Value {
    json!({"id": UserId::from_bits(2).to_string(), "email": "grace@example.com", "role": "deploy",
        "created_at": 1})
}

fn invitation() -> Value {
    json!({"id": InvitationId::from_bits(7).to_string(), "kind": "join",
        "email": "alan@example.com", "role": "read", "invited_by": "ada@example.com",
        "created_at": 1, "expires_at": 4_102_444_800_000_i64})
}

/// A server with two members and one open link.
async fn server() -> Server {
    let path = format!("/v1/members/{}", UserId::from_bits(2));
    let open = format!("/v1/members/invitations/{}", InvitationId::from_bits(7));
    Server::start(move |seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" => ok(&me()),
        "GET /v1/members" => ok(&json!([user(), grace()])),
        "GET /v1/members/invitations" => ok(&json!([invitation()])),
        "POST /v1/members/invitations" => ok(&json!({"invitation": invitation(),
            "token": LINK_TOKEN, "url": format!("http://localhost:1/join#{LINK_TOKEN}")})),
        "POST /v1/members/join" if seen.json()["token"] == LINK_TOKEN => {
            ok(&session("access-1", "refresh-1"))
        }
        "POST /v1/members/join" => refuse(401, "invalid_invitation", "it was used", None),
        line if line == format!("PUT {path}") => ok(&grace()),
        line if line == format!("DELETE {path}") => ok(&json!(null)),
        line if line == format!("DELETE {open}") => ok(&json!(null)),
        _ => unexpected(seen),
    })
    .await
}

#[tokio::test]
async fn an_invitation_prints_its_link_alone_and_the_next_step_beside_it() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["members", "invite", "Alan@example.com", "--role", "read"]).await;
    assert!(ended.stderr.starts_with("send this link to alan@example.com"), "{}", ended.stderr);
    assert!(ended.stderr.contains("slipway join http://localhost:1`"), "{}", ended.stderr);
    assert_eq!(ended.success(), format!("http://localhost:1/join#{LINK_TOKEN}\n"));
    let asked = server.only("POST /v1/members/invitations").json();
    assert_eq!(asked, json!({"email": "alan@example.com", "role": "read"}));
}

#[tokio::test]
async fn members_and_links_are_named_by_their_addresses() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let said = desk.slipway(&["members", "role", "grace@example.com", "deploy"]).await.success();
    assert_eq!(said, "grace@example.com has the role deploy from now on\n");
    assert_eq!(server.only("PUT /v1/members/").json(), json!({"role": "deploy"}));
    desk.slipway(&["members", "revoke", "alan@example.com"]).await.success();
    server.only("DELETE /v1/members/invitations/");
    let nobody = desk.slipway(&["members", "role", "eve@example.com", "read"]).await;
    assert_eq!(nobody.code, 1);
    assert!(nobody.stderr.starts_with("error: eve@example.com is not a member\nhint: "));
}

#[tokio::test]
async fn a_member_is_removed_only_when_their_address_is_repeated() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let remove = ["members", "remove", "grace@example.com"];
    let unsure = desk.slipway(&remove).await;
    assert_eq!(unsure.code, 2);
    assert!(unsure.stderr.contains("hint: add `--confirm grace@example.com`"), "{}", unsure.stderr);
    let other = desk.slipway(&[&remove[..], &["--confirm", "ada@example.com"]].concat()).await;
    assert_eq!(other.code, 2);
    assert!(server.seen().iter().all(|seen| !seen.line.starts_with("DELETE")));
    let sure = desk.slipway(&[&remove[..], &["--confirm", "grace@example.com"]].concat()).await;
    assert_eq!(sure.success(), "grace@example.com is not a member any more\n");
    server.only("DELETE /v1/members/");
}

#[tokio::test]
async fn a_link_signs_in_and_neither_it_nor_the_password_is_kept() {
    let (server, desk) = (server().await, Desk::new());
    let link = format!("{}/join#{LINK_TOKEN}", server.url);
    let join = ["join", &link, "--password-stdin"];
    let said = desk.slipway_with(&join, "correct horse battery\n").await.success();
    let expected = format!("signed in to {} as ada@example.com, with the role admin\n", server.url);
    assert_eq!(said, expected);
    let asked = server.only("POST /v1/members/join").json();
    assert_eq!(asked, json!({"token": LINK_TOKEN, "password": "correct horse battery"}));
    let saved = desk.accounts();
    assert!(saved.contains("access-1") && !saved.contains(LINK_TOKEN) && !saved.contains("horse"));
}

#[tokio::test]
async fn a_link_that_does_not_work_saves_nothing() {
    let (server, desk) = (server().await, Desk::new());
    let link = format!("{}/join#used", server.url);
    let ended = desk.slipway_with(&["join", &link, "--password-stdin"], "correct horse").await;
    assert_eq!((ended.code, desk.config_dir().exists()), (1, false));
    assert!(ended.stderr.starts_with("error: it was used\n"), "{}", ended.stderr);
    let bare = desk.slipway_with(&["join", &server.url, "--password-stdin"], "x").await;
    assert_eq!(bare.code, 2);
    assert!(bare.stderr.contains("give the whole link"), "{}", bare.stderr);
}
