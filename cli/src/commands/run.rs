//! `slipway run`

use futures_util::StreamExt;
use slipway_client::Updates;
use slipway_core::wire::run::{RunRequest, RunUpdate};

use crate::attached::{Manner, converse};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::terminal::{self, Source};

/// Run a command once, in a new instance of the live release
///
/// It has the app's image, configuration and network, and none of its traffic. Its exit code
/// becomes this program's. On a terminal it gets one, and what is piped in becomes its standard
/// input; then it ends when this program does. Without either it runs on by itself. What it prints
/// is shown here and, but for a terminal's, kept in the log. Words are passed on exactly; a single
/// word with blanks is a line for the container's shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway run python manage.py shell
  slipway run -a shop 'env | sort'
  slipway run python manage.py loaddata --format=json - < fixture.json
  slipway run --no-stdin --timeout 7200 python manage.py reindex")]
pub struct Args {
    /// Seconds until it is stopped; else an hour, or with a terminal or input a day
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: Option<u32>,
    /// Never give it a terminal
    #[arg(long)]
    no_tty: bool,
    /// Pass nothing on from standard input: it runs on when this program is gone
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
    let manner = manner(invocation, &args);
    let (client, app) = invocation.client_and_app().await?;
    let kind = invocation.environment.terminal_kind.as_deref();
    let request = RunRequest {
        command: args.command,
        timeout_s: args.timeout,
        attach: manner.map(|manner| manner.request(kind)),
    };
    let started = client.run(&app, &request).await?;
    let Some(manner) = manner else {
        return follow(invocation, client.follow_run(&app, &started.id)).await;
    };
    let attachment = client.attach_run(&app, &started.id).await?;
    match converse(attachment, manner).await? {
        0 => Ok(()),
        code => Err(Failure::silent(exit_code(code))),
    }
}

/// How to be attached; nothing when it is to run by itself, as for programs that read JSON, and
/// where nobody types and nothing is piped in.
fn manner(invocation: &Invocation, args: &Args) -> Option<Manner> {
    if invocation.printer.json {
        return None;
    }
    let (source, shows) = (terminal::standard_input(), terminal::shows_output());
    let manner = Manner::of(source, shows, args.no_stdin, args.no_tty);
    (manner.terminal || (manner.input && source == Source::Piped)).then_some(manner)
}

/// Shows what a command prints that runs by itself, until it has ended.
async fn follow(invocation: &Invocation, mut updates: Updates<RunUpdate>) -> Result<(), Failure> {
    while let Some(update) = updates.next().await {
        let (_, update) = update?;
        invocation.printer.item(&update, |view| match &update {
            RunUpdate::Line { text } => format!("{}\n", view.line(text)),
            RunUpdate::Exited { .. } | RunUpdate::Failed { .. } => String::new(),
        })?;
        match update {
            RunUpdate::Line { .. } => {}
            RunUpdate::Exited { code: 0 } => return Ok(()),
            RunUpdate::Exited { code } => return Err(Failure::silent(exit_code(code))),
            RunUpdate::Failed { message, hint } => return Err(Failure::new(message).hint(hint)),
        }
    }
    Err(Failure::new("the stream ended before the command did")
        .hint("run `slipway logs --source run` for what it printed"))
}

/// The code as this program can give it: one byte, and never success for a failure.
pub fn exit_code(code: i64) -> u8 {
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_beyond_a_byte_is_still_a_failure() {
        assert_eq!([3, 137, 256, -1].map(exit_code), [3, 137, 1, 1]);
    }
}
