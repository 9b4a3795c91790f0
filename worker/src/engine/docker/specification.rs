//! From an instance's specification to the container that runs it.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use slipway_core::id::InstallationId;
use slipway_core::instance::{InstanceSpec, Lifetime};

use super::host::Host;
use super::labels;

/// What most programs need to drop privileges and write their own files; everything else is gone.
const CAPABILITIES: &[&str] =
    &["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "NET_BIND_SERVICE"];
/// Instances go before the control plane and the host's own services when memory runs out.
const OOM_SCORE: i64 = 200;

/// The container of an instance that joins this sandbox.
pub fn body(
    spec: &InstanceSpec,
    sandbox: &str,
    installation: &InstallationId,
    host: &Host,
) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.digest.clone()),
        // As the entrypoint, the vector replaces whatever entrypoint and command the image has.
        entrypoint: spec.command.argv(),
        env: Some(spec.environment.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        labels: Some(labels_of(spec, installation)),
        // Slipway probes by itself; a check of the image's own would start a process every time.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        host_config: Some(host_config(spec, sandbox, host)),
        ..streams(spec.lifetime)
    }
}

/// What is open for whoever attaches. Its input closes when they go.
fn streams(lifetime: Lifetime) -> ContainerCreateBody {
    let Lifetime::Attended { terminal } = lifetime else { return ContainerCreateBody::default() };
    ContainerCreateBody {
        tty: Some(terminal),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ContainerCreateBody::default()
    }
}

/// Digest of everything a container is made from, the sandbox aside.
pub fn digest(spec: &InstanceSpec) -> String {
    let canonical = json!({
        "release": spec.release_id,
        "process": spec.process,
        "image": spec.image.digest,
        "command": spec.command,
        "environment": spec.environment,
        "port": spec.port,
        "limits": spec.limits,
        "lifetime": lifetime(spec.lifetime),
    });
    hex::encode(Sha256::digest(canonical.to_string()))
}

fn lifetime(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::Service => labels::SERVICE,
        Lifetime::OneOff | Lifetime::Attended { .. } => labels::ONE_OFF,
    }
}

fn labels_of(spec: &InstanceSpec, installation: &InstallationId) -> HashMap<String, String> {
    let mut labels = labels::of_app(installation, &spec.app_id, labels::ROLE_INSTANCE);
    let own = [
        (labels::APP_NAME, spec.app.to_string()),
        (labels::INSTANCE, spec.id.to_string()),
        (labels::PROCESS, spec.process.to_string()),
        (labels::RELEASE, spec.release_id.to_string()),
        (labels::LIFETIME, lifetime(spec.lifetime).to_owned()),
        (labels::SPEC, digest(spec)),
    ];
    labels.extend(own.map(|(key, value)| (key.to_owned(), value)));
    labels.extend(spec.port.map(|port| (labels::PORT.to_owned(), port.to_string())));
    labels
}

fn host_config(spec: &InstanceSpec, sandbox: &str, host: &Host) -> HostConfig {
    let memory = i64::try_from(spec.limits.memory_bytes).unwrap_or(i64::MAX);
    let open_files = i64::try_from(host.open_files).unwrap_or(i64::MAX);
    HostConfig {
        network_mode: Some(format!("container:{sandbox}")),
        init: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(CAPABILITIES.iter().map(|&name| name.to_owned()).collect()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        memory: Some(memory),
        memory_swap: Some(memory), // memory and swap together: no swap
        nano_cpus: nano_cpus(spec.limits.cpu_millis, host.cores),
        pids_limit: Some(i64::from(spec.limits.pids)),
        ulimits: Some(vec![ResourcesUlimits {
            name: Some("nofile".to_owned()),
            soft: Some(open_files),
            hard: Some(open_files),
        }]),
        oom_score_adj: Some(OOM_SCORE),
        log_config: Some(log_config()),
        restart_policy: Some(restart_policy(spec.lifetime)),
        ..HostConfig::default()
    }
}

/// Docker refuses more than the host has, and less than a hundredth.
fn nano_cpus(millis: Option<u32>, cores: u32) -> Option<i64> {
    let millis = millis?.clamp(10, cores.saturating_mul(1000));
    Some(i64::from(millis) * 1_000_000)
}

fn log_config() -> HostConfigLogConfig {
    let limits = [("max-size", "10m"), ("max-file", "3")];
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(limits.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
    }
}

/// Services come back by themselves, so that crashes heal and hosts reboot without Slipway; one
/// that is being stopped does not. One-offs run once.
fn restart_policy(lifetime: Lifetime) -> RestartPolicy {
    let name = match lifetime {
        Lifetime::Service => RestartPolicyNameEnum::UNLESS_STOPPED,
        Lifetime::OneOff | Lifetime::Attended { .. } => RestartPolicyNameEnum::NO,
    };
    RestartPolicy { name: Some(name), maximum_retry_count: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_limits_stay_within_what_docker_accepts() {
        assert_eq!(nano_cpus(None, 2), None);
        assert_eq!(nano_cpus(Some(500), 2), Some(500_000_000));
        assert_eq!(nano_cpus(Some(8_000), 2), Some(2_000_000_000));
        assert_eq!(nano_cpus(Some(1), 2), Some(10_000_000));
    }
}
