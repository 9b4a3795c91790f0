//! What a push may not do, and what git on the server never does.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use slipway_core::wire::auth::Scope;
use slipway_store::App;

use crate::person::{Person, read};
use crate::repository::Repository;
use crate::worker::Worker;
use crate::world::{World, eventually};

const RECEIVE: &str = "application/x-git-receive-pack-request";

async fn shop_with(world: &World) -> (Person, App, Repository) {
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let token = world.token(&admin, Scope::Deploy, None).await;
    let repository = Repository::of(world, "shop", token.credential.as_ref().unwrap()).await;
    (token, app, repository)
}

async fn deployments(world: &World, app: &App) -> usize {
    world.state.store.deployments(&app.id, 100, None).await.unwrap().len()
}

#[tokio::test]
async fn other_branches_and_tags_are_stored_and_do_not_deploy() {
    let world = World::start().await;
    let (_, app, repository) = shop_with(&world).await;
    repository.git(&["tag", "v1"]).await;
    let pushed = repository.push(&["main:feature", "v1"]).await;
    assert_eq!(pushed.code, 0, "{}", pushed.said);
    assert!(pushed.said.contains("`feature` is stored, not deployed"), "{}", pushed.said);
    assert!(pushed.said.contains("tags do not deploy"), "{}", pushed.said);
    assert!(repository.on_server("feature").await.is_some());
    assert_eq!(deployments(&world, &app).await, 0);
    let deleted = repository.push(&["--delete", "feature"]).await;
    assert_eq!(deleted.code, 0, "{}", deleted.said);
}

#[tokio::test]
async fn whichever_of_main_and_master_comes_first_deploys_from_then_on() {
    let world = World::start().await;
    let (_, app, repository) = shop_with(&world).await;
    let worker = Worker::of(&world, &app.id);
    let refspec = ["main:master"];
    let (pushed, _) = tokio::join!(repository.push(&refspec), worker.deploy());
    assert_eq!(pushed.code, 0, "{}", pushed.said);
    assert_eq!(world.stored("shop").await.deploy_branch, "master");
    let head = repository.git(&["ls-remote", "--symref", "slipway", "HEAD"]).await;
    assert!(head.starts_with("ref: refs/heads/master"), "clones begin on it: {head}");
    let other = repository.push(&["main:main"]).await;
    assert_eq!(other.code, 0);
    assert!(other.said.contains("only `master` deploys"), "{}", other.said);
    assert_eq!(deployments(&world, &app).await, 1);
}

#[tokio::test]
async fn the_deploy_branch_cannot_be_deleted_and_other_refs_cannot_be_made() {
    let world = World::start().await;
    let (_, app, repository) = shop_with(&world).await;
    let worker = Worker::of(&world, &app.id);
    tokio::join!(repository.push(&["main"]), worker.deploy());
    let deleted = repository.push(&["--delete", "main"]).await;
    assert_eq!(deleted.code, 1);
    assert!(deleted.said.contains("cannot be deleted"), "{}", deleted.said);
    let meta = repository.push(&["main:refs/meta/config"]).await;
    assert_eq!(meta.code, 1);
    assert!(meta.said.contains("only branches and tags"), "{}", meta.said);
    assert!(repository.on_server("main").await.is_some());
}

#[tokio::test]
async fn hostile_ref_names_are_only_ever_names() {
    let world = World::start().await;
    let (_, app, repository) = shop_with(&world).await;
    let marker = std::env::temp_dir().join(format!("slipway-pwned-{}", std::process::id()));
    for name in [
        format!("$(touch${{IFS}}{})", marker.display()),
        "--upload-pack=touch".to_owned(),
        "-x".to_owned(),
        "a;b|c&d".to_owned(),
        "ünï©ode".to_owned(),
        "x".repeat(200),
    ] {
        let pushed = repository.push(&[&format!("main:refs/heads/{name}")]).await;
        assert_eq!(pushed.code, 0, "{name}: {}", pushed.said);
    }
    let escape = repository.push(&["main:refs/heads/../../../../hooks/post-receive"]).await;
    assert_ne!(escape.code, 0, "git itself refuses what is no ref name");
    assert!(!marker.exists());
    assert_eq!(deployments(&world, &app).await, 0);
}

#[tokio::test]
async fn hooks_and_configuration_of_a_pushed_tree_are_never_run() {
    let world = World::start().await;
    let (_, app, repository) = shop_with(&world).await;
    let marker = world.data.path().join("pwned");
    let hook = format!("#!/bin/sh\ntouch {}\n", marker.display());
    std::fs::create_dir(repository.path().join("hooks")).unwrap();
    repository.commit("hooks/post-receive", &hook, "a hook").await;
    let attributes = "* filter=evil\n* export-subst\n";
    repository.commit(".gitattributes", attributes, "attributes").await;
    let repositories = world.state.data_dir.repository(&app.id);
    let worker = Worker::of(&world, &app.id);
    let (pushed, _) = tokio::join!(repository.push(&["main"]), worker.deploy());
    assert_eq!(pushed.code, 0, "{}", pushed.said);
    // Even a hook inside of the repository does not run: hooks are looked for elsewhere.
    std::fs::create_dir_all(repositories.join("hooks")).unwrap();
    std::fs::write(repositories.join("hooks/pre-receive"), &hook).unwrap();
    repository.push(&["main:feature"]).await;
    assert!(!marker.exists());
    assert!(!repositories.join("Procfile").exists(), "nothing is checked out");
}

#[tokio::test]
async fn a_pack_beyond_the_limit_is_refused_with_its_reason_and_leaves_nothing() {
    let world = World::with_limits(|limits| limits.source_bytes = 300_000).await;
    let (_, app, repository) = shop_with(&world).await;
    repository.commit("noise", noise(1_000_000), "large").await;
    let pushed = repository.push(&["main"]).await;
    assert_eq!(pushed.code, 1, "{}", pushed.said);
    assert!(pushed.said.contains("exceeds maximum allowed size"), "{}", pushed.said);
    assert_eq!(repository.on_server("main").await, None);
    no_quarantine(&world, &app).await;
    assert_eq!(deployments(&world, &app).await, 0);
}

#[tokio::test]
async fn a_large_push_does_not_grow_the_server() {
    const BYTES: u64 = 64 * 1024 * 1024;
    let world = World::start().await;
    let (_, app, repository) = shop_with(&world).await;
    let mut random = std::fs::File::open("/dev/urandom").unwrap().take(BYTES);
    let mut file = std::fs::File::create(repository.path().join("noise")).unwrap();
    std::io::copy(&mut random, &mut file).unwrap();
    repository.commit("small", "x", "large").await;
    // From here on, the peak is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_bytes();
    let worker = Worker::of(&world, &app.id);
    let (pushed, _) = tokio::join!(repository.push(&["main"]), worker.deploy());
    assert_eq!(pushed.code, 0, "{}", pushed.said);
    let grown = peak_bytes() - before;
    assert!(grown < BYTES / 2, "it grew by {grown} bytes");
}

/// The most memory that this process, which is also the server, has had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_source_that_unpacks_beyond_the_limit_is_refused() {
    let world = World::with_limits(|limits| limits.unpacked_bytes = 1_000_000).await;
    let (_, app, repository) = shop_with(&world).await;
    repository.commit("zeros", vec![0; 40_000_000], "a bomb").await;
    let pushed = repository.push(&["main"]).await;
    assert_eq!(pushed.code, 1, "{}", pushed.said);
    assert!(pushed.said.contains("the source has more than 1000000 bytes"), "{}", pushed.said);
    assert_eq!(deployments(&world, &app).await, 0);
    for directory in [world.state.data_dir.sources(), world.state.data_dir.scratch()] {
        let left = std::fs::read_dir(&directory).unwrap().count();
        assert_eq!(left, 0, "no half archive is left in {}", directory.display());
    }
}

#[tokio::test]
async fn a_compressed_body_is_bounded_by_what_it_unpacks_to() {
    let world = World::with_limits(|limits| limits.source_bytes = 1_000_000).await;
    let (person, app, _) = shop_with(&world).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // A pkt-line that never ends: git waits for the rest of it.
    gzip.write_all(b"fff0").unwrap();
    gzip.write_all(&vec![b'x'; 50_000_000]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let request = person
        .request(Method::POST, "/git/shop.git/git-receive-pack")
        .header("content-type", RECEIVE)
        .header("content-encoding", "gzip")
        .body(bomb);
    let answer = read(request).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    assert!(answer.text.contains("larger than"), "{}", answer.text);
    no_quarantine(&world, &app).await;
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_unread() {
    let world = World::start().await;
    let (person, ..) = shop_with(&world).await;
    let credential = person.credential.unwrap();
    let head = format!(
        "POST /git/shop.git/git-receive-pack HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {credential}\r\ncontent-type: {RECEIVE}\r\n\
         content-length: 900000000\r\n\r\n"
    );
    let answer = world.send_raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn an_upload_that_breaks_off_deploys_nothing_and_leaves_nothing() {
    let world = World::start().await;
    let (person, app, repository) = shop_with(&world).await;
    repository.commit("noise", noise(2_000_000), "large").await;
    let request = repository.receive_request("refs/heads/main").await;
    let head = format!(
        "POST /git/shop.git/git-receive-pack HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {}\r\ncontent-type: {RECEIVE}\r\ncontent-length: {}\r\n\r\n",
        person.credential.unwrap(),
        request.len()
    );
    let half = [head.as_bytes(), &request[..request.len() / 2]].concat();
    world.send_and_hang_up(&half).await;
    no_quarantine(&world, &app).await;
    assert_eq!(deployments(&world, &app).await, 0);
    assert_eq!(repository.on_server("main").await, None);
}

#[tokio::test]
async fn only_the_three_routes_of_smart_http_exist() {
    let world = World::start().await;
    let (person, ..) = shop_with(&world).await;
    for path in [
        "/git/shop.git/HEAD",
        "/git/shop.git/config",
        "/git/shop.git/objects/info/packs",
        "/git/shop.git/git-upload-archive",
        "/git/../slipway.db",
        "/git/%2e%2e/info/refs?service=git-upload-pack",
    ] {
        assert_eq!(person.get(path).await.status, 404, "{path}");
    }
    let dumb = person.get("/git/shop.git/info/refs").await;
    assert_eq!(dumb.status, 400, "{}", dumb.text);
    let other = person.get("/git/shop.git/info/refs?service=git-upload-archive").await;
    assert_eq!(other.status, 400);
}

#[tokio::test]
async fn git_is_told_to_show_a_credential_and_a_wrong_one_is_refused() {
    let world = World::start().await;
    let (_, _, repository) = shop_with(&world).await;
    let path = "/git/shop.git/info/refs?service=git-receive-pack";
    let challenge = world.stranger().get(path).await;
    assert_eq!(challenge.status, 401);
    assert_eq!(challenge.header("www-authenticate"), r#"Basic realm="Slipway", charset="UTF-8""#);
    assert_eq!(challenge.header("content-type"), "text/plain; charset=utf-8");
    repository.point_to(&world, "shop", &format!("slp_{}", "x".repeat(43))).await;
    let refused = repository.push(&["main"]).await;
    assert_ne!(refused.code, 0);
    assert!(refused.said.contains("Authentication failed"), "{}", refused.said);
    let unknown = repository.try_git(&["ls-remote", &world.url("/git/nothing.git")]).await;
    assert_ne!(unknown.code, 0);
}

#[tokio::test]
async fn an_empty_push_says_that_there_is_nothing_to_do() {
    let world = World::start().await;
    let (_, app, repository) = shop_with(&world).await;
    let nothing = repository.push(&["--tags"]).await;
    assert_eq!(nothing.code, 0, "{}", nothing.said);
    assert!(nothing.said.contains("up-to-date"), "{}", nothing.said);
    assert_eq!(deployments(&world, &app).await, 0);
}

async fn no_quarantine(world: &World, app: &App) {
    let objects = world.state.data_dir.repository(&app.id).join("objects");
    eventually("the quarantine is gone", async || {
        let entries = std::fs::read_dir(&objects).ok()?;
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        (!names.into_iter().any(|name| name.contains("incoming"))).then_some(())
    })
    .await;
}

/// Bytes that do not compress, the same each time.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(bytes)
    .collect()
}
