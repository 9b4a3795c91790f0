//! What an instance can reach and do.

use slipway_core::id::Id;
use slipway_core::instance::InstanceSpec;
use slipway_core::process::{Command, Limits};
use slipway_worker::engine::docker::{Docker, DockerSettings};
use slipway_worker::engine::{Engine, EngineError};

use crate::docker::{container_of, docker, stage_with};
use crate::stage::{PORT, Stage, new_id, read_to_end, until_live};

/// Bits of `CHOWN`, `DAC_OVERRIDE`, `FOWNER`, `FSETID`, `KILL`, `SETGID`, `SETUID` and
/// `NET_BIND_SERVICE`.
const CAPABILITIES: &str = "00000000000004fb";

pub async fn apps_reach_themselves_and_not_each_other(stage: &Stage<Docker>) {
    let target = stage.web();
    let endpoint = stage.engine.start(&target).await.unwrap().unwrap();
    until_live(endpoint).await;
    let colleague = stage.service("sleep 1000");
    let stranger = InstanceSpec { app_id: new_id(), ..stage.service("sleep 1000") };
    stage.engine.start(&colleague).await.unwrap();
    stage.engine.start(&stranger).await.unwrap();
    let fetch = |address| format!("printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 2 {address} {PORT}");
    let fetch = fetch(endpoint.0.ip());
    let (_, text) = stage.exec(&colleague.id, &fetch).await;
    assert!(text.ends_with("it works\n"), "{text}");
    let (_, text) = stage.exec(&stranger.id, &fetch).await;
    assert!(!text.contains("HTTP/1"), "{text}");
}

pub async fn link_local_addresses_are_prohibited_and_the_prohibition_stays(stage: &Stage<Docker>) {
    let spec = stage.service("sleep 1000");
    stage.engine.start(&spec).await.unwrap();
    let (code, text) = stage.exec(&spec.id, "nc -w 2 169.254.169.254 80 </dev/null").await;
    assert_ne!(code, 0);
    assert!(text.contains("Permission denied"), "refused by a rule, not by chance: {text}");
    let (code, text) = stage.exec(&spec.id, "ip rule del pref 100").await;
    assert_ne!(code, 0);
    assert!(text.contains("Operation not permitted"), "{text}");
}

pub async fn an_instance_has_few_privileges_and_its_limits(stage: &Stage<Docker>) {
    let limits = Limits { memory_bytes: 48 << 20, cpu_millis: Some(500), pids: 33 };
    let spec = InstanceSpec { limits, ..stage.service("sleep 1000") };
    stage.engine.start(&spec).await.unwrap();
    let (_, status) = stage.exec(&spec.id, "cat /proc/1/status").await;
    let field = |name: &str| -> String {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().to_owned()
    };
    assert_eq!(field("CapEff"), CAPABILITIES);
    assert_eq!(field("CapBnd"), CAPABILITIES);
    assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1".to_owned(), "2".to_owned()));
    assert_ne!(field("Name"), "sleep", "an init reaps and passes signals on");
    let (_, score) = stage.exec(&spec.id, "cat /proc/1/oom_score_adj").await;
    assert_eq!(score, "200\n");

    let fields = [
        (".Memory", "50331648"),
        (".MemorySwap", "50331648"),
        (".PidsLimit", "33"),
        (".NanoCpus", "500000000"),
        (".RestartPolicy.Name", "unless-stopped"),
        (".LogConfig.Type", "json-file"),
        ("(index .LogConfig.Config \"max-size\")", "10m"),
        ("(index .LogConfig.Config \"max-file\")", "3"),
    ];
    let container = container_of(&spec.id);
    for (field, wanted) in fields {
        let format = format!("{{{{with .HostConfig}}}}{{{{{field}}}}}{{{{end}}}}");
        assert_eq!(docker(&["inspect", "--format", &format, &container]), wanted, "{field}");
    }
}

#[tokio::test]
async fn a_subnet_in_use_is_passed_over_and_a_full_pool_says_so() {
    let pools = vec!["10.203.77.0/24".parse().unwrap()];
    let settings = DockerSettings { pools, ..DockerSettings::new(new_id()) };
    let installation = format!("slipway.installation={}", settings.installation);
    let (stage, _cleanup) = stage_with(settings).await;
    let name = format!("stranger-{}", stage.app_id.as_str());
    let create = ["network", "create", "--label", &installation, "--subnet", "10.203.77.0/25"];
    docker(&[create.as_slice(), &[&name]].concat());
    let endpoint = stage.engine.start(&stage.web()).await.unwrap().unwrap();
    assert!(endpoint.0.to_string().starts_with("10.203.77.1"), "{endpoint:?}");
    let refused = stage.engine.prepare(&new_id(), &"other".parse().unwrap(), 0).await;
    let Err(EngineError::Refused { message, .. }) = refused else { panic!("{refused:?}") };
    assert!(message.contains("`10.203.77.0/24`"), "{message}");
    stage.engine.shutdown().await;
}

pub async fn nothing_is_published_on_the_host(stage: &Stage<Docker>) {
    let spec = stage.web();
    let endpoint = stage.engine.start(&spec).await.unwrap().unwrap();
    assert_eq!(endpoint.0.port(), PORT);
    let label = format!("label=slipway.app={}", spec.app_id);
    let ports = docker(&["ps", "--filter", &label, "--format", "{{.Ports}}"]);
    assert_eq!(ports.trim(), "");
}

pub async fn the_image_entrypoint_is_used_only_without_a_command(stage: &Stage<Docker>) {
    let said = async |command: Command| {
        let spec = InstanceSpec { command, ..stage.one_off("") };
        stage.engine.start(&spec).await.unwrap();
        read_to_end(stage.engine.logs(&spec.id, None)).await
    };
    let words = ["/bin/busybox", "echo", "own words"].map(str::to_owned);
    assert_eq!(said(Command::Image).await, "the image speaks\n");
    assert_eq!(said(Command::Exec(words.into())).await, "own words\n");
    assert_eq!(said(Command::Shell("echo own line".to_owned())).await, "own line\n");
}
