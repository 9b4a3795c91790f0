//! `slipway exec`

use slipway_core::name::ProcessName;
use slipway_core::wire::run::ExecRequest;

use super::run::exit_code;
use crate::attached::{Manner, converse};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::terminal;

/// Run a command in an instance that runs
///
/// It shares the instance's files, memory and CPU, and ends when this program does. On a terminal
/// it gets one: `slipway exec sh` is a shell next to the running app. What is piped in becomes its
/// standard input. Its exit code becomes this program's. Words are passed on exactly; a single word
/// with blanks is a line for the container's shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway exec sh
  slipway exec --process worker -- ps aux
  slipway exec --instance 3f2a9c1b cat /proc/1/status
  slipway exec python manage.py shell < fix.py")]
pub struct Args {
    /// The process type; else the one that serves
    #[arg(short, long, value_name = "NAME", conflicts_with = "instance")]
    process: Option<ProcessName>,
    /// The instance, by its id in `slipway ps`; else the newest that is ready
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Seconds until it is stopped; else a day, or an hour in which nothing happens
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: Option<u32>,
    /// Never give it a terminal
    #[arg(long)]
    no_tty: bool,
    /// Pass nothing on from standard input
    #[arg(long)]
    no_stdin: bool,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<String>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let source = terminal::standard_input();
    let manner = Manner::of(source, terminal::shows_output(), args.no_stdin, args.no_tty);
    let (client, app) = invocation.client_and_app().await?;
    let request = ExecRequest {
        command: args.command,
        process: args.process,
        instance: args.instance,
        timeout_s: args.timeout,
        attach: manner.request(invocation.environment.terminal_kind.as_deref()),
    };
    let started = client.exec(&app, &request).await?;
    let attachment = client.attach_run(&app, &started.id).await?;
    match converse(attachment, manner).await? {
        0 => Ok(()),
        code => Err(Failure::silent(exit_code(code))),
    }
}
