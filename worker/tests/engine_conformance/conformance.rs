//! What every engine must do. Bodies know the seam and nothing of the engine behind it.

use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::id::InstanceId;
use slipway_core::instance::{InstanceSpec, Lifetime, ObservedState};
use slipway_core::process::{Command, Limits};
use slipway_core::release::ImageRef;
use slipway_core::wire::attach::WindowSize;
use slipway_worker::engine::{Attached, Engine, EngineError, Program};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::stage::{Stage, eventually, get, new_id, read_to_end, until_live};

const NOW: Duration = Duration::ZERO;
const GRACE: Duration = Duration::from_secs(10);
const SIZE: WindowSize = WindowSize { rows: 33, columns: 101 };

pub async fn starting_twice_yields_one_instance<E: Engine>(stage: &Stage<E>) {
    let spec = stage.web();
    let first = stage.engine.start(&spec).await.unwrap().unwrap();
    until_live(first).await;
    let second = stage.engine.start(&spec).await.unwrap().unwrap();
    assert_eq!(first, second);
    let observed = stage.engine.list().await.unwrap();
    assert_eq!(observed.len(), 1);
    assert_eq!((&observed[0].id, &observed[0].app_id), (&spec.id, &spec.app_id));
    assert_eq!((&observed[0].process, observed[0].endpoint), (&spec.process, Some(first)));
    assert!(matches!(observed[0].state, ObservedState::Running { .. }));
    assert_eq!(observed[0].restarts, 0);
}

pub async fn starting_the_same_instance_at_once_yields_one<E: Engine>(stage: &Stage<E>) {
    let spec = stage.web();
    let starts = (0..4).map(|_| stage.engine.start(&spec));
    let endpoints = futures_util::future::try_join_all(starts).await.unwrap();
    assert!(endpoints.iter().all(|endpoint| *endpoint == endpoints[0]));
    assert_eq!(stage.engine.list().await.unwrap().len(), 1);
}

pub async fn five_instances_start_at_once<E: Engine>(stage: &Stage<E>) {
    let specs: Vec<InstanceSpec> = (0..5).map(|_| stage.web()).collect();
    let starts = specs.iter().map(|spec| stage.engine.start(spec));
    let endpoints = futures_util::future::try_join_all(starts).await.unwrap();
    for endpoint in &endpoints {
        until_live(endpoint.unwrap()).await;
    }
    let mut distinct = endpoints.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 5);
}

pub async fn stopping_what_is_not_there_succeeds<E: Engine>(stage: &Stage<E>) {
    stage.engine.stop(&new_id(), NOW).await.unwrap();
    let spec = stage.web();
    stage.engine.start(&spec).await.unwrap();
    stage.engine.stop(&spec.id, NOW).await.unwrap();
    stage.engine.stop(&spec.id, NOW).await.unwrap();
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

pub async fn a_stop_lets_the_program_finish_within_its_grace<E: Engine>(stage: &Stage<E>) {
    let line = "trap 'echo bye; exit 0' TERM; echo set; while true; do sleep 0.1; done";
    let polite = stage.service(line);
    stage.engine.start(&polite).await.unwrap();
    let mut output = stage.engine.logs(&polite.id, None);
    let first = timeout(GRACE, output.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(first.bytes, "set\n");
    let begun = Instant::now();
    let (text, stopped) = tokio::join!(read_to_end(output), stage.engine.stop(&polite.id, GRACE));
    stopped.unwrap();
    assert_eq!(text, "bye\n");
    assert!(begun.elapsed() < GRACE / 2, "a polite program ends early");

    let stubborn = stage.service("trap '' TERM; while true; do sleep 0.1; done");
    stage.engine.start(&stubborn).await.unwrap();
    let begun = Instant::now();
    stage.engine.stop(&stubborn.id, Duration::from_secs(1)).await.unwrap();
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1) && took < GRACE, "killed after its grace: {took:?}");
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

pub async fn a_crash_loop_is_restarted_and_counted<E: Engine>(stage: &Stage<E>) {
    let spec = stage.service("true; exit 3");
    stage.engine.start(&spec).await.unwrap();
    let observed = stage
        .observed_as(&spec.id, "three restarts and a wait", |observed| {
            observed.restarts >= 3 && matches!(observed.state, ObservedState::Restarting { .. })
        })
        .await;
    let ObservedState::Restarting { exit } = observed.state else { unreachable!() };
    assert_eq!((exit.code, exit.oom_killed), (3, false));
    assert!(exit.at.0 > 0);
    assert_eq!(observed.endpoint, None);
    let begun = Instant::now();
    stage.engine.stop(&spec.id, GRACE).await.unwrap();
    assert!(begun.elapsed() < GRACE / 2, "waiting for a restart is not running");
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

pub async fn an_instance_keeps_its_address_over_a_crash<E: Engine>(stage: &Stage<E>) {
    let spec = stage.web();
    let endpoint = stage.engine.start(&spec).await.unwrap().unwrap();
    until_live(endpoint).await;
    stage.exec(&spec.id, "killall httpd").await;
    stage.observed_as(&spec.id, "a restart", |observed| observed.restarts == 1).await;
    until_live(endpoint).await;
    let observed = stage
        .observed_as(&spec.id, "running", |o| matches!(o.state, ObservedState::Running { .. }))
        .await;
    assert_eq!(observed.endpoint, Some(endpoint));
}

pub async fn a_kill_for_memory_is_reported_as_such<E: Engine>(stage: &Stage<E>) {
    let limits = Limits { memory_bytes: 16 << 20, ..Limits::default() };
    let spec = InstanceSpec { limits, ..stage.one_off("tail /dev/zero") };
    stage.engine.start(&spec).await.unwrap();
    let observed = stage
        .observed_as(&spec.id, "its end", |o| matches!(o.state, ObservedState::Exited { .. }))
        .await;
    let ObservedState::Exited { exit } = observed.state else { unreachable!() };
    assert!(exit.oom_killed, "{exit:?}");
    assert_eq!(exit.code, 137);
}

pub async fn a_one_off_runs_once_and_keeps_its_exit_code<E: Engine>(stage: &Stage<E>) {
    let spec = stage.one_off("echo ran; exit 7");
    stage.engine.start(&spec).await.unwrap();
    let ended = async |what| {
        let observed = stage
            .observed_as(&spec.id, what, |o| matches!(o.state, ObservedState::Exited { .. }))
            .await;
        let ObservedState::Exited { exit } = observed.state else { unreachable!() };
        exit
    };
    let first = ended("its end").await;
    assert_eq!(first.code, 7);
    stage.engine.start(&spec).await.unwrap();
    assert_eq!(ended("still the same end").await, first);
    assert_eq!(read_to_end(stage.engine.logs(&spec.id, None)).await, "ran\n");
    stage.engine.stop(&spec.id, NOW).await.unwrap();
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

pub async fn output_arrives_live_and_tells_its_streams_apart<E: Engine>(stage: &Stage<E>) {
    let line = "echo one; echo two >&2; printf 'no end'; sleep 1; echo; echo $MOTTO";
    let mut spec = stage.one_off(line);
    let motto = "naïve \"quoted\" $HOME 'x' #=🚢\nsecond line";
    spec.environment.insert("MOTTO".to_owned(), motto.to_owned());
    spec.command = Command::Shell(line.replace("echo $MOTTO", "echo \"$MOTTO\""));
    stage.engine.start(&spec).await.unwrap();
    let mut output = stage.engine.logs(&spec.id, None);
    let first = timeout(GRACE, output.next()).await.unwrap().unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert!(first.at.0 > 0);
    let mut chunks = vec![first];
    while let Some(chunk) = timeout(GRACE, output.next()).await.unwrap() {
        chunks.push(chunk.unwrap());
    }
    let of = |stderr: bool| -> String {
        chunks.iter().filter(|c| c.stderr == stderr).map(|c| text(&c.bytes)).collect()
    };
    assert_eq!(of(true), "two\n");
    assert_eq!(of(false), format!("one\nno end\n{motto}\n"));
    let last = chunks.last().unwrap().at;
    let tail = read_to_end(stage.engine.logs(&spec.id, Some(last))).await;
    assert!(tail.ends_with("second line\n") && !tail.contains("one\n"), "{tail:?}");
}

pub async fn output_of_an_unknown_instance_is_absent<E: Engine>(stage: &Stage<E>) {
    let id: InstanceId = new_id();
    let answer = timeout(GRACE, stage.engine.logs(&id, None).next()).await.unwrap();
    assert!(matches!(answer, Some(Err(EngineError::Absent(absent))) if absent == id));
}

pub async fn a_command_reads_input_and_returns_its_exit_code<E: Engine>(stage: &Stage<E>) {
    let spec = stage.service("sleep 1000");
    stage.engine.start(&spec).await.unwrap();
    let command = ["/bin/sh", "-c", "cat; echo done >&2; exit 5"].map(str::to_owned);
    let mut attached = stage.attach(&spec.id, &command, None).await.unwrap();
    let big = "0123456789abcdef".repeat(16 * 1024);
    let write = async {
        attached.input.write_all(big.as_bytes()).await.unwrap();
        drop(attached.input);
    };
    let (text, ()) = tokio::join!(read_to_end(attached.output), write);
    assert_eq!(text.len(), big.len() + "done\n".len());
    assert_eq!(attached.exit.await.unwrap(), 5);
}

pub async fn a_command_on_a_terminal_is_interactive<E: Engine>(stage: &Stage<E>) {
    let spec = stage.service("sleep 1000");
    stage.engine.start(&spec).await.unwrap();
    let mut shell = stage.attach(&spec.id, &["/bin/sh".to_owned()], Some(SIZE)).await.unwrap();
    // A prompt has no line end and must be seen all the same.
    let prompt = timeout(GRACE, shell.output.next()).await.unwrap().unwrap().unwrap();
    assert!(!prompt.bytes.is_empty());
    shell.input.write_all(b"test -t 0 && echo term''inal\nexit 9\n").await.unwrap();
    let text = read_to_end(shell.output).await;
    assert!(text.contains("terminal\r\n"), "{text:?}");
    assert_eq!(shell.exit.await.unwrap(), 9);
}

pub async fn an_attended_instance_starts_when_somebody_attaches<E: Engine>(stage: &Stage<E>) {
    let mut spec = stage.one_off("echo begun; cat; exit 3");
    spec.lifetime = Lifetime::Attended { terminal: false };
    for _ in 0..2 {
        stage.engine.start(&spec).await.unwrap();
    }
    assert_eq!(stage.observed(&spec.id).await.unwrap().state, ObservedState::Created);
    let mut attached = stage.engine.attach(&spec.id, Program::Own, None).await.unwrap();
    attached.input.write_all(b"typed\n").await.unwrap();
    drop(attached.input);
    assert_eq!(read_to_end(attached.output).await, "begun\ntyped\n");
    assert_eq!(attached.exit.await.unwrap(), 3);
    let again = stage.engine.attach(&spec.id, Program::Own, None).await.err();
    assert!(matches!(again, Some(EngineError::Refused { .. })), "{again:?}");
    stage.engine.start(&spec).await.unwrap();
    let ended = stage.observed(&spec.id).await.unwrap().state;
    assert!(matches!(ended, ObservedState::Exited { exit } if exit.code == 3), "{ended:?}");
}

pub async fn a_terminal_takes_every_size_it_is_given<E: Engine>(stage: &Stage<E>) {
    let mut spec = stage.one_off("/bin/sh");
    spec.lifetime = Lifetime::Attended { terminal: true };
    stage.engine.start(&spec).await.unwrap();
    let own = stage.engine.attach(&spec.id, Program::Own, Some(SIZE)).await.unwrap();
    let service = stage.service("sleep 1000");
    stage.engine.start(&service).await.unwrap();
    let shell = ["/bin/sh".to_owned()];
    let inside = stage.attach(&service.id, &shell, Some(SIZE)).await.unwrap();
    for mut attached in [own, inside] {
        until_size(&mut attached, "33 101").await;
        attached.window.send_replace(Some(WindowSize { rows: 50, columns: 132 }));
        until_size(&mut attached, "50 132").await;
    }
}

/// Asks a shell for the size of its terminal until it is this one; fails after 10 s.
async fn until_size(shell: &mut Attached, size: &str) {
    let asked = async {
        let mut text = String::new();
        while !text.contains(size) {
            shell.input.write_all(b"stty size\n").await.unwrap();
            while let Ok(chunk) = timeout(Duration::from_millis(300), shell.output.next()).await {
                text.push_str(&String::from_utf8_lossy(&chunk.unwrap().unwrap().bytes));
            }
        }
    };
    timeout(GRACE, asked).await.unwrap_or_else(|_| panic!("the size is not {size}"));
}

pub async fn a_command_ends_with_whoever_was_attached<E: Engine>(stage: &Stage<E>) {
    let spec = stage.service("sleep 1000");
    stage.engine.start(&spec).await.unwrap();
    let deaf = ["/bin/sh", "-c", "trap '' HUP; sleep 2000 & sleep 3000"].map(str::to_owned);
    for window in [None, Some(SIZE)] {
        let attached = stage.attach(&spec.id, &deaf, window).await.unwrap();
        let listed = async || stage.exec(&spec.id, "ps").await.1;
        eventually("it runs", async || listed().await.contains("sleep 3000").then_some(())).await;
        drop(attached);
        eventually("it is gone with all it started", async || {
            let list = listed().await;
            assert!(list.contains("sleep 1000"), "the app stays: {list}");
            (!list.contains("sleep 2000") && !list.contains("sleep 3000")).then_some(())
        })
        .await;
    }
}

pub async fn a_command_in_an_absent_instance_is_absent<E: Engine>(stage: &Stage<E>) {
    let ended = stage.one_off("true");
    stage.engine.start(&ended.clone()).await.unwrap();
    stage
        .observed_as(&ended.id, "its end", |o| matches!(o.state, ObservedState::Exited { .. }))
        .await;
    for id in [ended.id, new_id()] {
        let refused = stage.attach(&id, &["true".to_owned()], None).await.err();
        assert!(matches!(refused, Some(EngineError::Absent(absent)) if absent == id));
        let refused = stage.engine.stats(&id).await;
        assert!(matches!(refused, Err(EngineError::Absent(absent)) if absent == id));
    }
}

pub async fn a_missing_image_is_told_apart<E: Engine>(stage: &Stage<E>) {
    let digest = format!("sha256:{}", "0".repeat(64));
    let image = ImageRef { repository: "nowhere".to_owned(), digest: digest.clone() };
    let spec = InstanceSpec { image, ..stage.web() };
    let refused = stage.engine.start(&spec).await;
    assert!(matches!(refused, Err(EngineError::ImageMissing(missing)) if missing == digest));
    stage.engine.stop(&spec.id, NOW).await.unwrap();
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

pub async fn a_missing_program_is_refused_with_its_name<E: Engine>(stage: &Stage<E>) {
    let command = Command::Exec(vec!["/bin/no-such-program".to_owned()]);
    let spec = InstanceSpec { command, ..stage.one_off("") };
    match stage.engine.start(&spec).await {
        Err(EngineError::Refused { message, .. }) => assert!(message.contains("no-such-program")),
        // An engine whose init looks for the program may only notice afterwards.
        other => {
            other.unwrap();
            let observed = stage
                .observed_as(
                    &spec.id,
                    "its end",
                    |o| matches!(o.state, ObservedState::Exited { exit } if exit.code == 127),
                )
                .await;
            assert_eq!(observed.restarts, 0);
        }
    }
    stage.engine.stop(&spec.id, NOW).await.unwrap();
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

pub async fn what_an_instance_listens_on_is_seen<E: Engine>(stage: &Stage<E>) {
    let on_loopback = "httpd -p 127.0.0.1:3000 -h /www; httpd -f -p 0.0.0.0:5000 -h /www";
    let spec = InstanceSpec { port: Some(8080), ..stage.service(on_loopback) };
    let endpoint = stage.engine.start(&spec).await.unwrap().unwrap();
    let wanted = ["127.0.0.1:3000", "0.0.0.0:5000"].map(|address| address.parse().unwrap());
    stage
        .observed_as(&spec.id, "both listeners", |observed| {
            wanted.iter().all(|address| observed.listeners.contains(address))
        })
        .await;
    assert_eq!(get(endpoint).await, None);
}

pub async fn resources_are_read_without_waiting<E: Engine>(stage: &Stage<E>) {
    let burner = stage.service("while true; do :; done");
    stage.engine.start(&burner).await.unwrap();
    let first = stage.engine.stats(&burner.id).await.unwrap();
    eventually("half a second of CPU time", async || {
        let usage = stage.engine.stats(&burner.id).await.unwrap();
        (usage.cpu_us > first.cpu_us + 500_000).then_some(())
    })
    .await;
    let web = stage.web();
    let endpoint = stage.engine.start(&web).await.unwrap().unwrap();
    until_live(endpoint).await;
    let begun = Instant::now();
    let usage = stage.engine.stats(&web.id).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(500), "no interval is waited for");
    assert!(usage.memory_bytes > 0 && usage.memory_bytes < 64 << 20, "{usage:?}");
    assert!(usage.net_in_bytes > 0 && usage.net_out_bytes > 0, "{usage:?}");

    stage.engine.list().await.unwrap();
    let at_hand = stage.engine.stats_at_hand(&[burner.id.clone(), web.id, new_id()]).await;
    // An engine may have nothing at hand; what it has is of instances that run, and no other's.
    if let Some((_, usage)) = at_hand.get(&burner.id) {
        assert!(usage.cpu_us > first.cpu_us + 500_000, "{usage:?}");
    }
    assert!(at_hand.len() <= 2, "{at_hand:?}");
    assert_eq!(usage.oom_kills, Some(0), "nothing was killed, and that is known");
}

pub async fn a_death_is_hinted_at<E: Engine>(stage: &Stage<E>) {
    let spec = stage.web();
    let endpoint = stage.engine.start(&spec).await.unwrap().unwrap();
    until_live(endpoint).await;
    let mut events = stage.engine.events();
    // Quiet first: what the start caused may still be on its way.
    while timeout(Duration::from_millis(500), events.next()).await.is_ok() {}
    stage.exec(&spec.id, "killall httpd").await;
    timeout(Duration::from_secs(2), events.next()).await.expect("a hint within 2 s");
    stage.observed_as(&spec.id, "its restart", |observed| observed.restarts == 1).await;
}
