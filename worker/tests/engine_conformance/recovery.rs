//! What crashes, operators and strangers leave behind.

use std::time::Duration;

use slipway_core::id::{AppId, InstanceId};
use slipway_core::instance::{InstanceSpec, ObservedState};
use slipway_worker::engine::docker::{Docker, DockerSettings};
use slipway_worker::engine::{Engine, EngineError};

use crate::docker::{container_of, docker, objects_of, stage_with, sweeping_settings};
use crate::stage::{Stage, eventually, new_id, until_live};

const NOW: Duration = Duration::ZERO;

fn sandbox_of(id: &InstanceId) -> String {
    format!("sw-net-{}", id.short())
}

fn spares_of(app_id: &AppId) -> usize {
    objects_of(app_id).iter().filter(|name| name.starts_with("sw-spare-")).count()
}

pub async fn what_an_interrupted_start_left_is_finished(stage: &Stage<Docker>) {
    // Killed after the claim: a sandbox of the instance's name, and no container.
    let claimed = stage.web();
    stage.engine.start(&claimed).await.unwrap();
    docker(&["rm", "-f", &container_of(&claimed.id)]);
    assert_eq!(stage.observed(&claimed.id).await, None);
    let endpoint = stage.engine.start(&claimed).await.unwrap().unwrap();
    until_live(endpoint).await;

    // Killed after the container was made: it has its sandbox and was never started.
    let made = stage.web();
    stage.engine.start(&made).await.unwrap();
    let format = "{{.HostConfig.NetworkMode}} {{.Config.Image}}";
    let container = container_of(&made.id);
    let found = docker(&["inspect", "--format", format, &container]);
    let (network, image) = found.split_once(' ').unwrap();
    let labels = docker(&[
        "inspect",
        "--format",
        "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}\n{{end}}",
        &container,
    ]);
    docker(&["rm", "-f", &container]);
    let name = format!("sw-shop-web-{}", made.id.short());
    let mut create = vec!["create", "--name", &name, "--network", network];
    create.extend(labels.lines().flat_map(|label| ["--label", label]));
    create.extend(["--entrypoint", "/bin/sh", image, "-c", "httpd -f -p 8080 -h /www"]);
    let half_made = docker(&create);
    let observed = stage.observed(&made.id).await.unwrap();
    assert_eq!((observed.state, observed.endpoint), (ObservedState::Created, None));
    let endpoint = stage.engine.start(&made).await.unwrap().unwrap();
    until_live(endpoint).await;
    assert_eq!(container_of(&made.id), half_made, "adopted, not replaced");

    // Killed while another version of the specification was being started: made again.
    let mut changed = made.clone();
    changed.environment.insert("NEW".to_owned(), "1".to_owned());
    docker(&["stop", "-t", "0", &half_made]);
    let endpoint = stage.engine.start(&changed).await.unwrap().unwrap();
    until_live(endpoint).await;
    assert_ne!(container_of(&made.id), half_made);
}

pub async fn an_instance_whose_sandbox_was_removed_is_made_whole(stage: &Stage<Docker>) {
    let spec = stage.web();
    let endpoint = stage.engine.start(&spec).await.unwrap().unwrap();
    until_live(endpoint).await;
    docker(&["rm", "-f", &sandbox_of(&spec.id)]);
    is_cut_off_then_whole(stage, &spec).await;
}

pub async fn an_instance_whose_sandbox_was_restarted_is_made_whole(stage: &Stage<Docker>) {
    let spec = stage.web();
    let endpoint = stage.engine.start(&spec).await.unwrap().unwrap();
    until_live(endpoint).await;
    docker(&["restart", "-t", "0", &sandbox_of(&spec.id)]);
    is_cut_off_then_whole(stage, &spec).await;
}

async fn is_cut_off_then_whole(stage: &Stage<Docker>, spec: &InstanceSpec) {
    let observed = stage
        .observed_as(&spec.id, "its end", |o| matches!(o.state, ObservedState::Exited { .. }))
        .await;
    assert_eq!((observed.endpoint, observed.listeners.len()), (None, 0));
    let endpoint = stage.engine.start(spec).await.unwrap().unwrap();
    until_live(endpoint).await;
    let observed = stage.observed(&spec.id).await.unwrap();
    assert!(matches!(observed.state, ObservedState::Running { .. }));
    assert_eq!(observed.endpoint, Some(endpoint));
}

pub async fn a_name_that_belongs_to_a_stranger_is_refused_and_the_stranger_stays(
    stage: &Stage<Docker>,
) {
    let spec = stage.web();
    let name = format!("sw-shop-web-{}", spec.id.short());
    let image = stage.image.repository.as_str();
    // It carries our instance's label, but another installation's.
    let label = format!("slipway.instance={}", spec.id);
    let stranger = docker(&["create", "--name", &name, "--label", &label, image]);
    let refused = stage.engine.start(&spec).await;
    let listed = stage.observed(&spec.id).await;
    stage.engine.stop(&spec.id, NOW).await.unwrap();
    let still_there = docker(&["ps", "-aq", "--no-trunc", "--filter", &format!("id={stranger}")]);
    docker(&["rm", "-f", &stranger]);
    let Err(EngineError::Refused { message, .. }) = refused else { panic!("{refused:?}") };
    assert!(message.contains(&name) && message.contains("rename or remove"), "{message}");
    assert_eq!(listed, None);
    assert_eq!(still_there, stranger);
}

pub async fn other_installations_and_strangers_are_not_seen(stage: &Stage<Docker>) {
    let (other, _cleanup) = stage_with(DockerSettings::new(new_id())).await;
    let theirs = other.web();
    let endpoint = other.engine.start(&theirs).await.unwrap().unwrap();
    assert_eq!(stage.engine.list().await.unwrap(), []);
    stage.engine.stop(&theirs.id, NOW).await.unwrap();
    stage.engine.remove_app(&theirs.app_id).await.unwrap();
    until_live(endpoint).await;
    other.engine.shutdown().await;
}

pub async fn a_spare_is_taken_and_made_again(stage: &Stage<Docker>) {
    let app = "shop".parse().unwrap();
    stage.engine.prepare(&stage.app_id, &app, 2).await.unwrap();
    stage.engine.prepare(&stage.app_id, &app, 2).await.unwrap();
    assert_eq!(spares_of(&stage.app_id), 2);
    let first = stage.web();
    stage.engine.start(&first).await.unwrap();
    assert_eq!(spares_of(&stage.app_id), 1);
    let second = stage.web();
    let endpoint = stage.engine.start(&second).await.unwrap().unwrap();
    until_live(endpoint).await;
    assert_eq!(spares_of(&stage.app_id), 0);
    eventually("a new spare", async || (spares_of(&stage.app_id) == 1).then_some(())).await;
}

pub async fn a_removed_app_leaves_nothing(stage: &Stage<Docker>) {
    let spec = stage.web();
    stage.engine.start(&spec).await.unwrap();
    let refused = stage.engine.remove_app(&spec.app_id).await;
    assert!(matches!(refused, Err(EngineError::Refused { .. })), "{refused:?}");
    eventually("a spare", async || (spares_of(&spec.app_id) == 1).then_some(())).await;
    stage.engine.stop(&spec.id, NOW).await.unwrap();
    stage.engine.remove_app(&spec.app_id).await.unwrap();
    assert_eq!(objects_of(&spec.app_id), [""; 0]);
    stage.engine.remove_app(&spec.app_id).await.unwrap();
}

#[tokio::test]
async fn sandboxes_nobody_uses_are_swept() {
    let (stage, _cleanup) = stage_with(sweeping_settings()).await;
    let (lost, kept) = (stage.web(), stage.web());
    stage.engine.start(&lost).await.unwrap();
    stage.engine.start(&kept).await.unwrap();
    docker(&["rm", "-f", &container_of(&lost.id)]);
    eventually("the sandbox is gone", async || {
        (!objects_of(&stage.app_id).contains(&sandbox_of(&lost.id))).then_some(())
    })
    .await;
    assert!(objects_of(&stage.app_id).contains(&sandbox_of(&kept.id)));
    stage.engine.shutdown().await;
}
