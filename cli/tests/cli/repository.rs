//! A folder that is a git repository, with real git.

use serde_json::{Value, json};

use crate::harness::{Desk, Seen, Server, me, ok, refuse, unexpected};

fn app(url: &str) -> Value {
    json!({"name": "shop", "url": "http://shop.localhost", "health": "empty", "version": null,
        "source": null, "ready": 0, "wanted": 0, "deployed_at": null, "created_at": 1,
        "git_url": format!("{url}/git/shop.git"), "deploy_branch": "main", "processes": [],
        "latest_deployment": null})
}

/// A server with the app `shop`, which calls itself otherwise than this machine does.
async fn server() -> Server {
    Server::start(|seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" if seen.token == "slp_saved" => ok(&me()),
        "GET /v1/me" => refuse(401, "invalid_credential", "the credential has ended", None),
        "POST /v1/apps" => ok(&app("http://slipway.example.com")),
        "GET /v1/apps/shop/instances" | "GET /v1/apps/blog/instances" => ok(&json!([])),
        _ => unexpected(seen),
    })
    .await
}

async fn config(desk: &Desk, key: &str) -> String {
    desk.git(&["config", "--local", "--get-all", key]).await.stdout
}

#[tokio::test]
async fn create_ties_the_repository_to_the_app() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.repository().await;
    let ended = desk.slipway(&["create", "shop"]).await;
    assert_eq!(ended.stderr, "hint: deploy with `git push slipway main`\n");
    let remote = format!("{}/git/shop.git", server.url);
    insta::assert_snapshot!(ended.success().replace(&remote, "<remote>"));
    assert_eq!(config(&desk, "remote.slipway.url").await, format!("{remote}\n"));
    let helper = config(&desk, &format!("credential.{}.helper", server.url)).await;
    let program = env!("CARGO_BIN_EXE_slipway");
    assert_eq!(helper, format!("\n!'{program}' git-credential\n"));
}

#[tokio::test]
async fn another_branch_is_pushed_to_the_one_that_deploys() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.repository().await;
    desk.git(&["switch", "--quiet", "-c", "trunk"]).await.success();
    let ended = desk.slipway(&["create", "shop"]).await;
    assert_eq!(ended.stderr, "hint: deploy with `git push slipway trunk:main`\n");
}

#[tokio::test]
async fn a_remote_that_is_there_is_never_changed() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.repository().await;
    let blog = format!("{}/git/blog.git", server.url);
    desk.git(&["remote", "add", "slipway", &blog]).await.success();
    let ended = desk.slipway(&["create", "shop"]).await;
    assert_eq!(ended.code, 0);
    insta::assert_snapshot!(ended.stderr.replace(&server.url, "<server>"));
    assert_eq!(config(&desk, "remote.slipway.url").await, format!("{blog}\n"));
}

#[tokio::test]
async fn outside_a_repository_an_app_is_created_all_the_same() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["create", "shop"]).await;
    assert_eq!(ended.stderr, "hint: deploy a directory with `slipway deploy -a shop`\n");
    assert_eq!(ended.code, 0);
}

#[tokio::test]
async fn the_folders_remote_decides_the_app_and_its_server() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.repository().await;
    let url = format!("{}/git/shop.git", server.url);
    desk.git(&["remote", "add", "slipway", &url]).await.success();
    std::fs::create_dir(desk.folder.join("sub")).unwrap();
    let mut below = desk.command(env!("CARGO_BIN_EXE_slipway"));
    below.arg("ps").current_dir(desk.folder.join("sub"));
    assert_eq!(crate::harness::run(&mut below, "").await.success(), "nothing runs\n");
    server.only("GET /v1/apps/shop/instances");
    desk.slipway(&["ps", "-a", "blog"]).await.success();
    server.only("GET /v1/apps/blog/instances");
}

#[tokio::test]
async fn git_gets_the_password_from_this_program() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    desk.repository().await;
    // A helper of the wider configuration must not be asked, and must not learn the token.
    let stolen = desk.folder.join("stolen");
    let spy = format!("!cat > '{}'; :", stolen.display());
    desk.git(&["config", "--global", "credential.helper", &spy]).await.success();
    desk.slipway(&["create", "shop"]).await.success();
    let host = server.url.strip_prefix("http://").unwrap();
    let question = format!("protocol=http\nhost={host}\n\n");
    let answer = desk.git_with(&["credential", "fill"], &question).await.success();
    assert!(answer.contains("username=slipway\npassword=slp_saved\n"), "{answer}");
    desk.git_with(&["credential", "approve"], &answer).await.success();
    assert!(!stolen.exists());
}

#[tokio::test]
async fn no_other_host_ever_gets_the_token() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let host = server.url.strip_prefix("http://").unwrap();
    for question in [
        "protocol=http\nhost=evil.example.com\n\n".to_owned(),
        format!("protocol=https\nhost={host}\n\n"),
        "protocol=http\nhost=127.0.0.1:1\n\n".to_owned(),
        format!("protocol=http\nhost={host}@evil.example.com\n\n"),
        "protocol=http\n\n".to_owned(),
        String::new(),
    ] {
        let answer = desk.slipway_with(&["git-credential", "get"], &question).await;
        assert_eq!((answer.code, answer.stdout.as_str()), (0, ""), "{question}");
    }
    let mut command = desk.command(env!("CARGO_BIN_EXE_slipway"));
    command.args(["git-credential", "get"]).env("SLIPWAY_TOKEN", "slp_ci");
    command.env("SLIPWAY_URL", "https://slipway.example.com");
    let question = format!("protocol=http\nhost={host}\n\n");
    assert_eq!(crate::harness::run(&mut command, &question).await.success(), "");
}

#[tokio::test]
async fn git_is_told_nothing_when_the_token_has_ended() {
    let server = server().await;
    let desk = Desk::signed_in(&server).await;
    let file = desk.config_dir().join("config.toml");
    std::fs::write(&file, desk.accounts().replace("slp_saved", "slp_ended")).unwrap();
    let host = server.url.strip_prefix("http://").unwrap();
    let question = format!("protocol=http\nhost={host}\n\n");
    let answer = desk.slipway_with(&["git-credential", "get"], &question).await;
    assert_eq!((answer.code, answer.stdout.as_str()), (1, ""));
    assert!(answer.stderr.contains("hint: run `slipway login`"), "{}", answer.stderr);
    let stored = desk.slipway_with(&["git-credential", "erase"], &question).await;
    assert_eq!((stored.code, stored.stdout.as_str()), (0, ""));
}
