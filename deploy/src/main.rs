//! `slipwayd`: the server of Slipway.

mod collector;
mod commands;
mod config;
mod daemon;
mod descriptors;
#[cfg(test)]
mod documents;
mod host;
mod roles;
mod tracing_setup;

use std::process::ExitCode;

use clap::Parser;

use crate::config::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            commands::print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    // The hook runs inside git's receive, once a push: no runtime, no data directory, no log.
    if let Command::GitHook { .. } = args.command {
        return Ok(commands::git_hook::run());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            Command::Run(server) => daemon::run(server, roles::Roles::ALL).await?,
            Command::Api(server) => daemon::run(server, roles::Roles::API).await?,
            Command::Worker(server) => daemon::run(server, roles::Roles::WORKER).await?,
            Command::Web(server) => daemon::run(server, roles::Roles::WEB).await?,
            Command::ClaimToken(server) => commands::claim_token::run(&server).await?,
            Command::Backup(backup) => commands::backup::run(&backup).await?,
            Command::Down(down) => commands::down::run(&down).await?,
            Command::GitHook { .. } => unreachable!("handled before the runtime"),
        }
        Ok(ExitCode::SUCCESS)
    })
}
