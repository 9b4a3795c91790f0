//! The documents against this program: its reference, and every command that they show.

use std::ffi::OsString;
use std::fmt::Write;

use clap::error::ErrorKind;
use slipway_tests::documents::{calls_of, is_up_to_date};

use crate::args;

const INTRODUCTION: &str = "\
# The command line

Written by `make docs` from the program itself: what `slipway COMMAND --help` prints, without the
options that every command has (they are with the first). `slipway config:set` is the same as
`slipway config set`.

| variable | does |
|---|---|
| `SLIPWAY_URL` | the server, for scripts |
| `SLIPWAY_TOKEN` | an API token, for scripts; nobody has to sign in then |
| `SLIPWAY_CONFIG_DIR` | where accounts are kept; else `slipway` in `$XDG_CONFIG_HOME`, else `~/.config/slipway` |
| `NO_COLOR` | no colours, when it is not empty |

A command that fails exits with 1, one that was not understood with 2. `slipway run` and `slipway exec`
exit with the code of what they ran.
";

/// A command's help without the options that the first one explains.
fn help(name: &str, command: &clap::Command) -> String {
    let command = command.clone().mut_args(|arg| {
        let is_common = arg.get_help_heading() == Some("Global options") && name != "slipway";
        let hidden = is_common || matches!(arg.get_id().as_str(), "help" | "version");
        arg.hide(hidden)
    });
    let help = command.clone().render_long_help().to_string();
    help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (name, command) in args::tests::whole_family() {
        let help = help(&name, &command);
        write!(page, "\n## {name}\n\n```text\n{help}\n```\n").unwrap();
    }
    page
}

#[test]
fn the_reference_is_what_the_program_says() {
    is_up_to_date("cli.md", &reference());
}

#[test]
fn every_command_of_the_documents_is_understood() {
    let calls = calls_of("slipway");
    for call in &calls {
        let words = args::without_colon(call.words.iter().map(OsString::from).collect());
        let Err(error) = args::command().try_get_matches_from(words) else { continue };
        let is_incomplete = matches!(
            error.kind(),
            ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        let is_asked_for =
            matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        let is_fine = is_asked_for || (call.is_mention && is_incomplete);
        assert!(is_fine, "{}: `{}`: {error}", call.place, call.words.join(" "));
    }
    assert!(calls.len() > 60, "only {} calls were found", calls.len());
}
