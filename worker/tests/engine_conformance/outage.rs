//! A daemon that hangs, or goes away and comes back.

use std::time::Duration;

use futures_util::StreamExt;
use slipway_tests::relay::{Mode, Relay};
use slipway_worker::engine::docker::{Docker, DockerSettings};
use slipway_worker::engine::{Engine, EngineError};
use tokio::time::{Instant, sleep, timeout};

use crate::docker::{Cleanup, container_of, docker, stage_with};
use crate::stage::{Stage, new_id};

async fn relayed() -> (Relay, Stage<Docker>, Cleanup) {
    let relay = Relay::start();
    let settings = DockerSettings { socket: relay.socket(), ..DockerSettings::new(new_id()) };
    let (stage, cleanup) = stage_with(settings).await;
    (relay, stage, cleanup)
}

#[tokio::test]
async fn a_hung_daemon_is_unavailable_within_ten_seconds() {
    let (relay, stage, _cleanup) = relayed().await;
    let running = stage.service("sleep 1000");
    stage.engine.start(&running).await.unwrap();
    relay.set(Mode::Hang);
    let begun = Instant::now();
    let command = ["true".to_owned()];
    let (waiting, new) = (stage.web(), stage.web());
    let errors = tokio::join!(
        async { stage.engine.start(&waiting).await.err() },
        async { stage.engine.start(&new).await.err() },
        async { stage.engine.stop(&running.id, Duration::from_mins(1)).await.err() },
        async { stage.engine.list().await.err() },
        async { stage.attach(&running.id, &command, None).await.err() },
        async { stage.engine.prepare(&stage.app_id, &"shop".parse().unwrap(), 1).await.err() },
        async {
            Docker::connect(DockerSettings {
                socket: relay.socket(),
                ..DockerSettings::new(new_id())
            })
            .await
            .err()
        },
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let errors: [Option<EngineError>; 7] = errors.into();
    for error in errors {
        assert!(matches!(error, Some(EngineError::Unavailable(_))), "{error:?}");
    }
    relay.set(Mode::HangUp);
    relay.set(Mode::Relay);
    assert_eq!(stage.engine.list().await.unwrap().len(), 1);
    stage.engine.shutdown().await;
}

#[tokio::test]
async fn output_continues_after_the_daemon_was_away() {
    let (relay, stage, _cleanup) = relayed().await;
    let line = "i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.05; done";
    let spec = stage.one_off(line);
    stage.engine.start(&spec).await.unwrap();
    let mut output = stage.engine.logs(&spec.id, None);
    let mut text = String::new();
    while let Some(chunk) = timeout(Duration::from_secs(20), output.next()).await.unwrap() {
        text += std::str::from_utf8(&chunk.unwrap().bytes).unwrap();
        if text.lines().count() == 5 {
            relay.set(Mode::HangUp);
            sleep(Duration::from_millis(700)).await;
            relay.set(Mode::Relay);
        }
    }
    let wanted: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    assert_eq!(text.lines().collect::<Vec<_>>(), wanted);
    stage.engine.shutdown().await;
}

#[tokio::test]
async fn events_hint_again_after_the_daemon_was_away() {
    let (relay, stage, _cleanup) = relayed().await;
    let spec = stage.service("sleep 1000");
    stage.engine.start(&spec).await.unwrap();
    stage.engine.list().await.unwrap();
    let mut events = stage.engine.events();
    relay.set(Mode::HangUp);
    docker(&["kill", &container_of(&spec.id)]);
    while timeout(Duration::from_millis(500), events.next()).await.is_ok() {}
    relay.set(Mode::Relay);
    timeout(Duration::from_secs(5), events.next()).await.expect("a hint for the gap");
    let observed = stage.observed(&spec.id).await.unwrap();
    assert!(!matches!(observed.state, slipway_core::instance::ObservedState::Running { .. }));
    stage.engine.shutdown().await;
}
