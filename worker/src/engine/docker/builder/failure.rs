//! Why there is no image, in words.

use bollard::errors::Error;
use slipway_core::reason::{Reason, ReasonCode};

use super::super::call::refused;
use super::confine::Confinement;
use super::progress::Failure;
use crate::builder::BuildError;
use crate::engine::EngineError;

/// What BuildKit puts before the sentence that matters.
const PREFIXES: [&str; 8] = [
    "Docker stream error: ",
    "failed to solve with frontend dockerfile.v0: ",
    "failed to solve: ",
    "rpc error: code = Unknown desc = ",
    "failed to create LLB definition: ",
    "failed to read dockerfile: ",
    "executor failed running ",
    "dockerfile parse error ",
];

/// A build that failed, with the last lines it printed.
pub fn build_failed(message: String, last_lines: Vec<String>) -> BuildError {
    BuildError::Failed(Reason::new(ReasonCode::BuildFailed, message).with_last_lines(last_lines))
}

/// Something of this machine that a build needs and that may work later.
pub fn unavailable(error: &dyn std::fmt::Display) -> BuildError {
    BuildError::Unavailable(error.to_string())
}

/// What an engine's error means for a build.
pub fn from_engine(error: EngineError) -> BuildError {
    match error {
        EngineError::Unavailable(message) => BuildError::Unavailable(message),
        EngineError::ImageMissing(_) | EngineError::Absent(_) => {
            BuildError::Failed(Reason::new(ReasonCode::ImageUnavailable, error.to_string()))
        }
        EngineError::Refused { .. } => {
            BuildError::Failed(Reason::new(ReasonCode::Internal, error.to_string()))
        }
    }
}

/// What the daemon's last word means, given the step that failed.
pub fn from_docker(error: &Error, failure: Option<Failure>, last_lines: Vec<String>) -> BuildError {
    if let EngineError::Unavailable(message) = refused("building an image", error)
        && failure.is_none()
    {
        return BuildError::Unavailable(message);
    }
    let text = match &failure {
        Some(failure) => failure.error.as_str(),
        None => &error.to_string(),
    };
    let what = sentence(text);
    let message = match failure {
        Some(failure) => format!("`{}` failed: {what}", failure.title),
        None => what,
    };
    build_failed(message + &hint(&last_lines), last_lines)
}

/// The same failure, with the limit named when a step was killed for its memory.
pub fn of_memory(
    error: BuildError,
    confinement: &mut Confinement,
    memory_bytes: u64,
) -> BuildError {
    let BuildError::Failed(mut reason) = error else { return error };
    if confinement.has_killed(&reason.message) {
        let mib = memory_bytes / (1024 * 1024);
        let why = format!(": killed at the memory limit of builds, {mib} MiB");
        reason.message += &why;
        reason.message += "; let the step use less, with fewer jobs at the same time";
    }
    BuildError::Failed(reason)
}

/// The last, most specific part of a chain of errors.
fn sentence(text: &str) -> String {
    let mut rest = text.trim();
    while let Some(after) =
        PREFIXES.iter().find_map(|prefix| rest.find(prefix).map(|at| &rest[at + prefix.len()..]))
    {
        rest = after;
    }
    match rest.rsplit_once("exit code: ") {
        Some((_, code)) => format!("exit code {}", code.trim()),
        None => rest.to_owned(),
    }
}

/// A cause that people meet behind a company's proxy and rarely recognise.
fn hint(last_lines: &[String]) -> String {
    const SIGNS: [&str; 4] = [
        "self-signed certificate",
        "self signed certificate",
        "CERTIFICATE_VERIFY_FAILED",
        "unable to get local issuer certificate",
    ];
    let is_untrusted = last_lines.iter().any(|line| SIGNS.iter().any(|sign| line.contains(sign)));
    if is_untrusted {
        "; put the certificate authority of your network into `/usr/local/share/ca-certificates` on \
         the server and run `update-ca-certificates`"
            .to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_told_by_its_exit_code() {
        let old = "executor failed running [/bin/sh -c false]: exit code: 1";
        let new = "process \"/bin/sh -c false\" did not complete successfully: exit code: 127";
        assert_eq!(sentence(old), "exit code 1");
        assert_eq!(sentence(new), "exit code 127");
    }

    #[test]
    fn other_errors_lose_the_machinery_around_them() {
        let chain = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: \
            Dockerfile parse error line 3: unknown flag: link";
        assert_eq!(sentence(chain), "Dockerfile parse error line 3: unknown flag: link");
        let rpc = "failed to solve: rpc error: code = Unknown desc = failed to compute cache key: \
            \"/nope\" not found: not found";
        assert_eq!(sentence(rpc), "failed to compute cache key: \"/nope\" not found: not found");
    }

    #[test]
    fn an_untrusted_proxy_is_recognised() {
        let lines = ["npm ERR! self-signed certificate in certificate chain".to_owned()];
        assert!(hint(&lines).contains("update-ca-certificates"));
        assert_eq!(hint(&["all well".to_owned()]), "");
    }
}
