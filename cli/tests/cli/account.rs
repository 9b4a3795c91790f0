//! Signing in and out, and the file that keeps it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::{Desk, Seen, Server, me, ok, refuse, session, unexpected};

/// A server that knows one password, one claim token, one API token and the session `access-1`.
async fn server() -> Server {
    Server::start(|seen: &Seen| match (seen.line.as_str(), seen.token.as_str()) {
        ("POST /v1/login", _) if seen.json()["password"] == "correct horse" => {
            ok(&session("access-1", "refresh-1"))
        }
        ("POST /v1/login", _) => refuse(401, "wrong_password", "the password is wrong", None),
        ("POST /v1/claim", _) => ok(&session("access-1", "refresh-1")),
        ("POST /v1/refresh", _) if seen.json()["refresh_token"] == "refresh-0" => {
            ok(&session("access-1", "refresh-1"))
        }
        ("POST /v1/refresh", _) => refuse(401, "invalid_credential", "it has ended", None),
        ("GET /v1/me", "access-1" | "slp_saved") => ok(&me()),
        ("GET /v1/me", _) => refuse(401, "invalid_credential", "the credential has ended", None),
        ("POST /v1/logout", "access-1") => ok(&json!(null)),
        _ => unexpected(seen),
    })
    .await
}

#[tokio::test]
async fn a_password_on_standard_input_signs_in_and_is_not_kept() {
    let (server, desk) = (server().await, Desk::new());
    let arguments = ["login", &server.url, "--email", "Ada@Example.com", "--password-stdin"];
    let said = desk.slipway_with(&arguments, "correct horse\n").await.success();
    assert_eq!(said, format!("signed in to {} as ada@example.com\n", server.url));
    let saved = desk.accounts();
    assert!(saved.contains("access-1") && saved.contains("refresh-1"));
    assert!(!saved.contains("correct horse"));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(desk.config_dir()), 0o700);
    assert_eq!(mode(desk.config_dir().join("config.toml")), 0o600);
    assert!(desk.slipway(&["whoami"]).await.success().starts_with("ada@example.com\n"));
}

#[tokio::test]
async fn a_wrong_password_saves_nothing() {
    let (server, desk) = (server().await, Desk::new());
    let arguments = ["login", &server.url, "--email", "ada@example.com", "--password-stdin"];
    let ended = desk.slipway_with(&arguments, "wrong").await;
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: the password is wrong\n"), "{}", ended.stderr);
    assert!(!desk.config_dir().exists());
}

#[tokio::test]
async fn a_new_server_is_claimed_with_its_token() {
    let (server, desk) = (server().await, Desk::new());
    let arguments =
        ["login", &server.url, "--claim", "c1", "--email", "ada@example.com", "--password-stdin"];
    desk.slipway_with(&arguments, "correct horse").await.success();
    let expected = json!({"claim_token": "c1", "email": "ada@example.com",
        "password": "correct horse"});
    assert_eq!(server.only("POST /v1/claim").json(), expected);
}

#[tokio::test]
async fn a_token_is_proven_before_it_is_saved() {
    let (server, desk) = (server().await, Desk::new());
    let refused = desk.slipway_with(&["login", &server.url, "--token"], "slp_wrong").await;
    assert_eq!((refused.code, desk.config_dir().exists()), (1, false));
    desk.slipway_with(&["login", &server.url, "--token"], "slp_saved\n").await.success();
    assert!(desk.accounts().contains("token = \"slp_saved\""));
}

#[tokio::test]
async fn scripts_need_no_file_at_all() {
    let (server, desk) = (server().await, Desk::new());
    let mut command = desk.command(env!("CARGO_BIN_EXE_slipway"));
    command.args(["whoami", "--json"]).env("SLIPWAY_URL", &server.url);
    command.env("SLIPWAY_TOKEN", "slp_saved").env_remove("HOME").env_remove("SLIPWAY_CONFIG_DIR");
    let shown: serde_json::Value =
        serde_json::from_str(&crate::harness::run(&mut command, "").await.success()).unwrap();
    assert_eq!(shown, me());
}

#[tokio::test]
async fn an_ended_session_is_renewed_and_saved() {
    let (server, desk) = (server().await, Desk::new());
    let arguments = ["login", &server.url, "--email", "ada@example.com", "--password-stdin"];
    desk.slipway_with(&arguments, "correct horse").await.success();
    let file = desk.config_dir().join("config.toml");
    let ended = desk.accounts().replace("access-1", "access-0").replace("refresh-1", "refresh-0");
    fs::write(&file, ended).unwrap();
    desk.slipway(&["whoami"]).await.success();
    assert!(desk.accounts().contains("access-1") && desk.accounts().contains("refresh-1"));
    // The next one is a session that the server does not renew.
    fs::write(&file, desk.accounts().replace("access-1", "a").replace("refresh-1", "r")).unwrap();
    let ended = desk.slipway(&["whoami"]).await;
    assert_eq!(ended.code, 1);
    let hint = format!("hint: run `slipway login {}`\n", server.url);
    assert!(ended.stderr.ends_with(&hint), "{}", ended.stderr);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server_too() {
    let (server, desk) = (server().await, Desk::new());
    let arguments = ["login", &server.url, "--email", "ada@example.com", "--password-stdin"];
    desk.slipway_with(&arguments, "correct horse").await.success();
    desk.slipway(&["logout"]).await.success();
    server.only("POST /v1/logout");
    assert!(!desk.accounts().contains("access-1"));
    let again = desk.slipway(&["logout", &server.url]).await;
    assert_eq!((again.code, again.stdout.as_str()), (1, ""));
}

#[tokio::test]
async fn a_file_that_others_can_read_is_warned_about() {
    let (server, desk) = (server().await, Desk::new());
    desk.slipway_with(&["login", &server.url, "--token"], "slp_saved").await.success();
    let file = desk.config_dir().join("config.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let ended = desk.slipway(&["whoami"]).await;
    assert!(ended.code == 0 && ended.stderr.contains("warning: others can read"), "{ended:?}");
    assert!(ended.stderr.contains("hint: run `chmod 600"));
}
