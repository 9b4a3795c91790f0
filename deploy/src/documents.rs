//! The documents against this program: the reference of all settings, and every `slipwayd` command
//! that they show.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, Parser};
use slipway_core::manifest::keys::KEYS;
use slipway_tests::documents::{calls_of, is_up_to_date};

use crate::config::Args;

const INTRODUCTION: &str = "\
# Configuration

Written by `make docs` from the code. Two things are configured: the server, by flags and variables,
and an app, by a file in its repository. What an app finds in its environment is neither: that is
`slipway config`.

## slipwayd

The settings of `slipwayd run`, `api`, `worker` and `web`, and of every other command that has to find
the installation. A flag wins over its variable; a list takes commas between its values.

| flag | variable | default | what |
|---|---|---|---|
";

const COMMANDS: &str = "
| command | does |
|---|---|
";

const MANIFEST: &str = "
## slipway.toml

At the root of the repository. Every key is optional, and one that is not in this table is an error with
its line. A span of time is written `500ms`, `30s`, `10m` or `1h` and is at most an hour; memory is
written `512MB` or `2GB`, where a MB is 1024² bytes.

| key | example | default | what |
|---|---|---|---|
";

fn root() -> Command {
    let mut root = Args::command();
    root.build();
    root
}

fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_id() != "help" && arg.get_id() != "version")
}

fn ids(command: &Command) -> BTreeSet<&str> {
    shown(command).map(|arg| arg.get_id().as_str()).collect()
}

/// A cell of a table; nothing in it is taken for a tag.
fn cell(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.replace('|', "\\|").replace('<', "\\<") }
}

/// One line of the table of settings. What has no value for a default says it in its help.
fn setting(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (what, said) = match help.split_once(" [default: ") {
        Some((what, said)) => (what.to_owned(), said.trim_end_matches(']').to_owned()),
        None => (help, String::new()),
    };
    let values = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    let value = values.collect::<Vec<_>>().join(",");
    let default = if value.is_empty() { said } else { format!("`{value}`") };
    let flag = arg.get_long().expect("a setting has a flag");
    let variable = arg.get_env().expect("a setting has a variable").to_string_lossy();
    format!("| `--{flag}` | `{variable}` | {} | {} |\n", cell(&default), cell(&what))
}

/// A command with what it takes besides the settings.
fn command(command: &Command, settings: &BTreeSet<&str>) -> String {
    let own = shown(command).filter(|arg| !settings.contains(arg.get_id().as_str()));
    let mut usage = format!("slipwayd {}", command.get_name());
    let mut what = command.get_about().map(ToString::to_string).unwrap_or_default();
    for arg in own {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        if let Some(flag) = arg.get_long() {
            write!(what, "; `--{flag}`: {help}").unwrap();
        } else {
            let name = arg.get_id().as_str().to_uppercase();
            write!(usage, " {name}").unwrap();
            write!(what, "; {name}: {help}").unwrap();
        }
    }
    format!("| `{usage}` | {} |\n", cell(&what))
}

fn reference() -> String {
    let root = root();
    let run = root.find_subcommand("run").expect("there is `run`");
    let mut page = INTRODUCTION.to_owned();
    page.extend(shown(run).map(setting));
    page.push_str(COMMANDS);
    let visible = root.get_subcommands().filter(|command| !command.is_hide_set());
    page.extend(visible.map(|one| command(one, &ids(run))));
    page.push_str(MANIFEST);
    for key in KEYS {
        let (example, default) = (cell(key.example), cell(key.default));
        writeln!(page, "| `{}` | `{example}` | {default} | {} |", key.name, cell(key.meaning))
            .unwrap();
    }
    page
}

#[test]
fn the_reference_is_what_the_code_says() {
    is_up_to_date("configuration.md", &reference());
}

/// The table is that of `run`, and is true of the others.
#[test]
fn every_command_takes_every_setting() {
    let root = root();
    let settings = ids(root.find_subcommand("run").unwrap());
    for command in root.get_subcommands().filter(|command| !command.is_hide_set()) {
        assert!(ids(command).is_superset(&settings), "{}", command.get_name());
    }
}

#[test]
fn every_command_of_the_documents_is_understood() {
    let calls = calls_of("slipwayd");
    for call in &calls {
        let Err(error) = Args::try_parse_from(&call.words) else { continue };
        let is_asked_for = error.kind() == ErrorKind::DisplayHelp;
        let is_incomplete = error.kind() == ErrorKind::MissingRequiredArgument;
        let is_fine = is_asked_for || (call.is_mention && is_incomplete);
        assert!(is_fine, "{}: `{}`: {error}", call.place, call.words.join(" "));
    }
    assert!(calls.len() > 5, "only {} calls were found", calls.len());
}
