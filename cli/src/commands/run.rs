//! `slipway run`

use futures_util::StreamExt;
use slipway_core::wire::run::{RunRequest, RunUpdate};

use crate::failure::Failure;
use crate::invocation::Invocation;

/// Run a command once, in a new instance of the live release
///
/// It has the app's image, configuration and network, and none of its traffic. Its output is shown
/// here and kept in the log; its exit code becomes this program's. Standard input is not passed
/// on: a command that asks gets no answer. Words are passed on exactly; a single word with blanks
/// is a line for the container's shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway run python manage.py migrate --plan
  slipway run -a shop 'env | sort'
  slipway run --timeout 7200 python manage.py reindex")]
pub struct Args {
    /// Seconds until it is stopped
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    timeout: u32,
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
    let (client, app) = invocation.client_and_app().await?;
    let request = RunRequest { command: args.command, timeout_s: Some(args.timeout) };
    let started = client.run(&app, &request).await?;
    let mut updates = client.follow_run(&app, &started.id);
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
fn exit_code(code: i64) -> u8 {
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
