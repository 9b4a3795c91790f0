//! The `pre-receive` hook on its own, as the tests of this crate run it; `slipwayd git-hook` is
//! the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    slipway_api::git_hook::run(&environment, std::io::stdin(), std::io::stderr())
}
