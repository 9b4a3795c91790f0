//! `slipway`, the command line of Slipway.

mod accounts;
mod archive;
mod args;
mod attached;
mod cause;
mod commands;
mod config;
mod dockerignore;
#[cfg(test)]
mod documents;
mod dotenv;
mod escape;
mod failure;
mod follow;
mod git;
mod groups;
mod invocation;
mod moment;
mod printer;
mod progress;
mod prompt;
mod quantity;
mod session;
mod sparkline;
mod table;
mod terminal;
#[cfg(test)]
mod testing;
mod time;
mod view;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let environment = config::Environment::read();
    let cli = args::parse(std::env::args_os());
    let printer = printer::Printer::new(&environment, cli.global.json);
    let invocation = invocation::Invocation::new(cli.global, environment, printer);
    match commands::run(&invocation, cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => invocation.printer.fail(&failure),
    }
}
