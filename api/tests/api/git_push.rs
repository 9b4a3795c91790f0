//! A push is a deploy: accepted when it is live, rejected when it is not.

use std::time::Duration;

use slipway_core::deployment::{DeploymentKind, DeploymentState};
use slipway_core::release::Source;
use slipway_core::wire::auth::Scope;
use slipway_store::App;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use crate::repository::{Pushed, Repository};
use crate::worker::Worker;
use crate::world::{World, eventually};

const MAIN: [&str; 1] = ["main"];

/// An app, and a working copy of somebody who may deploy it.
async fn shop() -> (World, App, Repository) {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let token = world.token(&admin, Scope::Deploy, None).await;
    let repository = Repository::of(&world, "shop", &token.credential.unwrap()).await;
    (world, app, repository)
}

/// Somebody else's working copy, at what is on the server.
async fn colleague(world: &World) -> Repository {
    let token = world.token(&world.sign_in().await, Scope::Deploy, None).await;
    let repository = Repository::of(world, "shop", &token.credential.unwrap()).await;
    repository.git(&["fetch", "--quiet", "slipway"]).await;
    repository.git(&["reset", "--quiet", "--hard", "slipway/main"]).await;
    repository
}

async fn head(repository: &Repository) -> String {
    repository.git(&["rev-parse", "HEAD"]).await.trim().to_owned()
}

#[tokio::test]
async fn a_push_tells_its_story_live_and_is_accepted_when_it_is_live() {
    let (world, app, repository) = shop().await;
    let worker = Worker::of(&world, &app.id);
    let mut push = repository.start_push(&MAIN);
    let mut lines = BufReader::new(push.stderr.take().unwrap()).lines();
    let task = worker.begin().await;
    task.say("-----> In \u{1b}[31mred\u{1b}[0m");
    let mut said = String::new();
    while !said.contains("remote: -----> In red") {
        let next = timeout(Duration::from_secs(5), lines.next_line()).await;
        let line = next.expect("the line comes while it builds").unwrap().expect("git still runs");
        said.push_str(&line);
    }
    assert!(said.contains("Accepted"), "{said}");
    let now = world.state.store.deployment(&task.deployment.id).await.unwrap().unwrap();
    assert_eq!(now.state, DeploymentState::Building);
    let release = task.to_switching().await;
    task.go_live(&release).await;
    while let Some(line) = lines.next_line().await.unwrap() {
        said.push_str(&line);
    }
    assert_eq!(push.wait().await.unwrap().code(), Some(0), "{said}");
    assert!(said.contains("=====> v1 is live"), "{said}");
    assert_eq!(repository.on_server("main").await, Some(head(&repository).await));
}

#[tokio::test]
async fn a_push_whose_deployment_fails_is_rejected_and_can_be_pushed_again() {
    let (world, app, repository) = shop().await;
    let worker = Worker::of(&world, &app.id);
    let (pushed, ()) = tokio::join!(repository.push(&MAIN), worker.refuse("pip exited with 1"));
    assert_eq!(pushed.code, 1);
    assert!(pushed.said.contains("pre-receive hook declined"), "{}", pushed.said);
    assert_eq!(pushed.said.matches("pip exited with 1").count(), 1, "{}", pushed.said);
    assert_eq!(repository.on_server("main").await, None, "the ref has not moved");

    let (again, _) = tokio::join!(repository.push(&MAIN), worker.deploy());
    assert_eq!(again.code, 0, "{}", again.said);
    let up_to_date = repository.push(&MAIN).await;
    assert_eq!(up_to_date.code, 0);
    assert!(up_to_date.said.contains("up-to-date"), "{}", up_to_date.said);
    let deployments = world.state.store.deployments(&app.id, 10, None).await.unwrap();
    assert_eq!(deployments.len(), 2);
}

#[tokio::test]
async fn the_stored_source_is_the_commit_and_nothing_else() {
    let (world, app, repository) = shop().await;
    let commit = repository.commit("überblick.txt", "äöü\n", "fix the cart").await;
    std::fs::write(repository.path().join("not-committed"), "x").unwrap();
    let worker = Worker::of(&world, &app.id);
    let (pushed, (deployment, _)) = tokio::join!(repository.push(&MAIN), worker.deploy());
    assert_eq!(pushed.code, 0, "{}", pushed.said);
    assert_eq!(deployment.kind, DeploymentKind::Push);
    assert_eq!(deployment.created_by, crate::world::EMAIL);
    let Some(Source::Git { source_id, commit: pushed, branch, subject, author }) =
        deployment.source
    else {
        panic!("it has no git source");
    };
    assert_eq!(pushed, commit);
    assert_eq!([branch, subject, author], ["main", "fix the cart", "Ada"]);
    let file = std::fs::File::open(world.state.data_dir.source(&source_id)).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> =
        entries.map(|entry| entry.path().unwrap().display().to_string()).collect();
    names.retain(|name| name != "pax_global_header");
    names.sort();
    assert_eq!(names, ["Procfile", "überblick.txt"]);
}

#[tokio::test]
async fn a_pusher_who_hangs_up_cancels_nothing() {
    let (world, app, repository) = shop().await;
    let worker = Worker::of(&world, &app.id);
    let mut push = repository.start_push(&MAIN);
    worker.queued().await;
    push.kill().await.unwrap();
    worker.deploy().await;
    let head = head(&repository).await;
    eventually("the ref moves all the same", async || {
        repository.on_server("main").await.filter(|it| *it == head)
    })
    .await;
}

#[tokio::test]
async fn of_two_pushes_the_newest_wins_and_the_branch_follows_it() {
    let (world, app, first) = shop().await;
    let worker = Worker::of(&world, &app.id);
    tokio::join!(first.push(&MAIN), worker.deploy());
    let second = colleague(&world).await;
    first.commit("a", "1", "older").await;
    let newest = second.commit("a", "2", "newer").await;

    let older = first.start_push(&MAIN);
    let overtaken = worker.begin().await;
    let newer = second.start_push(&MAIN);
    worker.queued().await;
    let older = Pushed::of(older).await;
    overtaken.end().await;
    assert_eq!(older.code, 1, "{}", older.said);
    assert!(older.said.contains("is newer and takes its place"), "{}", older.said);
    worker.deploy().await;
    let newer = Pushed::of(newer).await;
    assert_eq!(newer.code, 0, "{}", newer.said);
    assert_eq!(second.on_server("main").await, Some(newest));
}

#[tokio::test]
async fn a_push_that_waited_behind_a_live_one_still_gets_its_branch() {
    let (world, app, first) = shop().await;
    let worker = Worker::of(&world, &app.id);
    tokio::join!(first.push(&MAIN), worker.deploy());
    let second = colleague(&world).await;
    first.commit("a", "1", "older").await;
    let newest = second.commit("a", "2", "newer").await;

    // The older one switches already, and cannot be superseded, when the newer one is accepted.
    let older = first.start_push(&MAIN);
    let switching = worker.begin().await;
    let release = switching.to_switching().await;
    let newer = second.start_push(&MAIN);
    worker.queued().await;
    switching.go_live(&release).await;
    let older = Pushed::of(older).await;
    assert_eq!(older.code, 0, "{}", older.said);
    worker.deploy().await;
    let newer = Pushed::of(newer).await;
    assert_eq!(newer.code, 0, "{}", newer.said);
    assert_eq!(second.on_server("main").await, Some(newest));
}

#[tokio::test]
async fn a_push_from_an_outdated_view_is_refused_before_it_deploys() {
    let (world, app, repository) = shop().await;
    let worker = Worker::of(&world, &app.id);
    tokio::join!(repository.push(&MAIN), worker.deploy());
    repository.commit("b", "1", "newer").await;
    // It believes that there is no `main` yet, as it would after losing a race.
    let request = world
        .token(&world.sign_in().await, Scope::Deploy, None)
        .await
        .request(reqwest::Method::POST, "/git/shop.git/git-receive-pack")
        .header("content-type", "application/x-git-receive-pack-request")
        .body(repository.receive_request("refs/heads/main").await);
    let answer = crate::person::read(request).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("somebody else pushed meanwhile"), "{}", answer.text);
    let deployments = world.state.store.deployments(&app.id, 10, None).await.unwrap();
    assert_eq!(deployments.len(), 1);
}

#[tokio::test]
async fn a_forced_push_deploys_and_moves_the_branch_back() {
    let (world, app, repository) = shop().await;
    repository.commit("b", "1", "second").await;
    let worker = Worker::of(&world, &app.id);
    tokio::join!(repository.push(&MAIN), worker.deploy());
    repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]).await;
    let refused = repository.push(&MAIN).await;
    assert_eq!(refused.code, 1, "{}", refused.said);
    let force = ["--force", "main"];
    let (forced, _) = tokio::join!(repository.push(&force), worker.deploy());
    assert_eq!(forced.code, 0, "{}", forced.said);
    assert_eq!(repository.on_server("main").await, Some(head(&repository).await));
}

#[tokio::test]
async fn a_server_that_dies_in_a_push_moves_no_ref_and_deploys_exactly_once() {
    let (mut world, app, repository) = shop().await;
    let push = repository.start_push(&MAIN);
    let accepted = Worker::of(&world, &app.id).queued().await;
    world.kill();
    let pushed = Pushed::of(push).await;
    assert_ne!(pushed.code, 0, "{}", pushed.said);

    let world = world.restarted().await;
    let token = world.token(&world.sign_in().await, Scope::Deploy, None).await;
    repository.point_to(&world, "shop", &token.credential.unwrap()).await;
    assert_eq!(repository.on_server("main").await, None, "the ref has not moved");
    let worker = Worker::of(&world, &app.id);
    let (deployed, _) = worker.deploy().await;
    assert_eq!(deployed.id, accepted.id);
    let deployments = world.state.store.deployments(&app.id, 10, None).await.unwrap();
    assert_eq!(deployments.len(), 1);

    let (again, _) = tokio::join!(repository.push(&MAIN), worker.deploy());
    assert_eq!(again.code, 0, "the same commit can be pushed again: {}", again.said);
}

#[tokio::test]
async fn a_server_that_shuts_down_says_that_the_deployment_goes_on() {
    let (world, app, repository) = shop().await;
    let push = repository.start_push(&MAIN);
    Worker::of(&world, &app.id).queued().await;
    world.shutdown.cancel();
    let pushed = Pushed::of(push).await;
    assert_eq!(pushed.code, 1, "{}", pushed.said);
    assert!(pushed.said.contains("the server is restarting"), "{}", pushed.said);
    assert!(pushed.said.contains("goes on"), "{}", pushed.said);
}

#[tokio::test]
async fn what_was_pushed_can_be_cloned_with_a_token_that_may_only_read() {
    let (world, app, repository) = shop().await;
    let worker = Worker::of(&world, &app.id);
    tokio::join!(repository.push(&MAIN), worker.deploy());
    let reader = world.token(&world.sign_in().await, Scope::Read, None).await;
    let reading = Repository::of(&world, "shop", &reader.credential.unwrap()).await;
    reading.git(&["fetch", "--quiet", "slipway", "main"]).await;
    let fetched = reading.git(&["rev-parse", "FETCH_HEAD"]).await;
    assert_eq!(fetched.trim(), head(&repository).await);
    let refused = reading.push(&["main:other"]).await;
    assert_ne!(refused.code, 0);
    assert!(refused.said.contains("needs the scope `deploy`"), "{}", refused.said);
}
