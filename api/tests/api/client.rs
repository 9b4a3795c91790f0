//! The client and the server understand each other, on every kind of route.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt as _;
use serde_json::json;
use slipway_api::issue_claim;
use slipway_client::{Client, ClientError, Credentials, LogQuery, ReleasePage};
use slipway_core::log::LogSource;
use slipway_core::time::Millis;
use slipway_core::wire::app::CreateApp;
use slipway_core::wire::auth::{ClaimRequest, Scope, TokenRequest};
use slipway_core::wire::config::ConfigPatch;
use slipway_core::wire::deployment::{DeployImage, DeploymentUpdate, RollbackRequest};
use slipway_core::wire::process::ScaleRequest;
use slipway_core::wire::run::{RunRequest, RunUpdate};

use crate::worker::Worker;
use crate::world::{EMAIL, PASSWORD, World, eventually};

/// A client with the admin's session.
async fn signed_in(world: &World) -> Client {
    let client = Client::new(world.url("").parse().unwrap(), "tests/1").unwrap();
    let claim = ClaimRequest {
        claim_token: issue_claim(&world.state.store).await.unwrap().unwrap(),
        email: EMAIL.parse().unwrap(),
        password: PASSWORD.to_owned(),
    };
    let session = client.claim(&claim).await.unwrap();
    client.with_credentials(Credentials::Token(session.access_token))
}

fn archive() -> std::fs::File {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_cksum();
    tar.append_data(&mut header, "Procfile", &b"hi"[..]).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&tar.into_inner().unwrap().finish().unwrap()).unwrap();
    file
}

#[tokio::test]
async fn an_app_goes_through_its_life() {
    let world = World::start().await;
    let client = signed_in(&world).await;
    let shop = "shop".parse().unwrap();
    client.is_alive().await.unwrap();
    client.is_ready().await.unwrap();
    assert_eq!(client.me().await.unwrap().scope, Scope::Admin);
    let made = client.create_app(&CreateApp { name: "shop".parse().unwrap() }).await.unwrap();
    let worker_app = world.stored("shop").await.id;
    let worker = Worker::of(&world, &worker_app);
    assert_eq!(client.app(&shop).await.unwrap(), made);

    let file = archive();
    let upload = client.deploy_archive(&shop, &file, "work", |_| {}).await.unwrap();
    let mut updates = client.follow_deployment(&upload.id, None);
    worker.deploy().await;
    let mut last = None;
    while let Some(update) = updates.next().await {
        last = Some(update.unwrap().1);
    }
    let Some(DeploymentUpdate::Done { deployment }) = last else { panic!("it did not end") };
    assert_eq!((deployment.version, deployment.state.is_live()), (Some(1), true));

    let image = DeployImage { reference: "shop:2".to_owned() };
    client.deploy_image(&shop, &image).await.unwrap();
    worker.deploy().await;
    assert_eq!(client.releases(&shop, ReleasePage::default()).await.unwrap().len(), 2);
    assert!(client.release(&shop, 1).await.unwrap().differs_from_live.is_some());
    let rollback = client.roll_back(&shop, &RollbackRequest { version: Some(1) }).await.unwrap();
    client.cancel_deployment(&rollback.id).await.unwrap();
    client.restart(&shop).await.unwrap();
    assert_eq!(client.deployments(&shop).await.unwrap().len(), 4);
    assert_eq!(client.instances(&shop).await.unwrap(), []);
    let counts = BTreeMap::from([("web".parse().unwrap(), 2)]);
    let scale = client.set_scale(&shop, &ScaleRequest { counts: counts.clone() }).await.unwrap();
    assert_eq!(scale.counts, counts);

    client.destroy_app(&shop).await.unwrap();
    let gone = client.app(&shop).await;
    assert!(matches!(gone, Err(ClientError::Api { status: 404, .. })), "{gone:?}");
}

#[tokio::test]
async fn configuration_and_tokens_travel() {
    let world = World::start().await;
    let client = signed_in(&world).await;
    let shop = "shop".parse().unwrap();
    client.create_app(&CreateApp { name: "shop".parse().unwrap() }).await.unwrap();
    let key = "KEY".parse().unwrap();
    let patch = ConfigPatch { values: [("KEY".parse().unwrap(), Some("a\nb".to_owned()))].into() };
    let etag = client.config(&shop).await.unwrap().etag;
    client.change_config(&shop, &patch, Some(&etag)).await.unwrap();
    assert!(client.change_config(&shop, &patch, Some(&etag)).await.is_err());
    assert_eq!(client.config_value(&shop, &key).await.unwrap().value, "a\nb");

    let request = TokenRequest {
        name: "CI".to_owned(),
        scope: Scope::Read,
        app: Some("shop".parse().unwrap()),
        expires_in_days: Some(1),
    };
    let token = client.create_token(&request).await.unwrap();
    let limited = client.clone().with_credentials(Credentials::Token(token.secret));
    assert_eq!(limited.apps().await.unwrap().len(), 1);
    assert_eq!(limited.me().await.unwrap().app, Some("shop".parse().unwrap()));
    client.revoke_token(&token.token.id).await.unwrap();
    assert!(limited.me().await.is_err());
}

#[tokio::test]
async fn logs_events_and_commands_are_followed() {
    let world = World::start().await;
    let client = signed_in(&world).await;
    let shop = "shop".parse().unwrap();
    client.create_app(&CreateApp { name: "shop".parse().unwrap() }).await.unwrap();
    let mut events = client.follow_events(Some(&shop), Some(0));
    assert_eq!(events.next().await.unwrap().unwrap().1.app, "shop");
    assert_eq!(client.events(None, None).await.unwrap().len(), 1);

    client.deploy_image(&shop, &DeployImage { reference: "shop:1".to_owned() }).await.unwrap();
    let id = world.stored("shop").await.id;
    let worker = Worker::of(&world, &id);
    worker.deploy().await;
    let query = LogQuery { sources: vec![LogSource::Build], ..LogQuery::default() };
    assert_eq!(client.logs(&shop, &query).await.unwrap().len(), 2);
    let mut lines = client.follow_logs(&shop, &query, None);
    assert_eq!(lines.next().await.unwrap().unwrap().1.text, "-----> Building");

    let request = RunRequest { command: vec!["true".to_owned()], timeout_s: None, attach: None };
    let run = client.run(&shop, &request).await.unwrap();
    let mut updates = client.follow_run(&shop, &run.id);
    let store = &world.state.store;
    let job = eventually("the command can be claimed", async || {
        store.claim("test", Millis::from_secs(60)).await.unwrap()
    })
    .await;
    store.complete(&job.id, job.fence, Some(json!({"code": 0}))).await.unwrap();
    assert_eq!(updates.next().await.unwrap().unwrap().1, RunUpdate::Exited { code: 0 });
    assert!(client.status().await.unwrap().claimed);
    assert!(client.openapi().await.unwrap().is_object());
}
