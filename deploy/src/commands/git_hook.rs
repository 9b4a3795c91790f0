//! git's `pre-receive`: hands the push to the server and relays its verdict.

use std::process::ExitCode;

/// Runs the hook; its exit code is the verdict on the push.
pub fn run() -> ExitCode {
    let environment = std::env::vars().collect();
    slipway_api::git_hook::run(&environment, std::io::stdin(), std::io::stderr())
}
