//! What can be typed.

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use slipway_client::ServerUrl;
use slipway_core::name::AppName;

use crate::commands as c;
use crate::groups;

/// Deploy and run apps on your own machines.
///
/// Push a repository or a directory, and it is live behind the proxy; take it back with one
/// command when it goes wrong.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The app; else the one of this folder's `slipway` git remote
    #[arg(short, long, global = true, value_name = "NAME")]
    pub app: Option<AppName>,
    /// The server; else `SLIPWAY_URL`, the git remote's, or the one signed in to last
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<ServerUrl>,
    /// Print JSON; streams print one value a line
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Login(c::login::Args),
    Logout(c::logout::Args),
    Join(c::join::Args),
    Whoami(c::whoami::Args),
    Tokens(c::tokens::Args),
    Members(c::members::Args),
    Create(c::create::Args),
    Apps(c::apps::Args),
    Info(c::info::Args),
    Open(c::open::Args),
    Domains(c::domains::Args),
    Destroy(c::destroy::Args),
    Deploy(c::deploy::Args),
    Deployments(c::deployments::Args),
    Releases(c::releases::Args),
    Rollback(c::rollback::Args),
    Ps(c::ps::Args),
    Scale(c::scale::Args),
    Autoscale(c::autoscale::Args),
    Restart(c::restart::Args),
    Stop(c::stop::Args),
    Start(c::start::Args),
    Run(c::run::Args),
    Exec(c::exec::Args),
    Config(c::config::Args),
    Logs(c::logs::Args),
    Drains(c::drains::Args),
    Events(c::events::Args),
    Metrics(c::metrics::Args),
    Top(c::top::Args),
    Alerts(c::alerts::Args),
    Status(c::status::Args),
    Completion(c::completion::Args),
    Version(c::version::Args),
    #[command(hide = true)]
    GitCredential(c::git_credential::Args),
}

/// The whole command, with its grouped help.
pub fn command() -> clap::Command {
    groups::with_grouped_help(Cli::command())
}

/// Reads the arguments; ends the program with a message and code 2 when they are not understood.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Cli {
    let matches = command().get_matches_from(without_colon(arguments.into_iter().collect()));
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Takes `config:set` for `config set`, as people type it who come from elsewhere.
pub fn without_colon(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(position) = command_position(&arguments) else { return arguments };
    let split = arguments[position].to_str().and_then(|word| word.split_once(':'));
    if let Some((family, verb)) = split {
        let words = [OsString::from(family), OsString::from(verb)];
        if Cli::command().find_subcommand(family).is_some_and(clap::Command::has_subcommands) {
            arguments.splice(position..=position, words);
        }
    }
    arguments
}

/// Where the command's name stands: the first word that is neither an option nor its value.
fn command_position(arguments: &[OsString]) -> Option<usize> {
    let takes_value = |word: &OsStr| word == "-a" || word == "--app" || word == "--server";
    let mut position = 1;
    while let Some(word) = arguments.get(position) {
        if takes_value(word) {
            position += 2;
        } else if word.to_str().is_some_and(|text| text.starts_with('-')) {
            position += 1;
        } else {
            return Some(position);
        }
    }
    None
}

#[cfg(test)]
pub mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let words = without_colon(line.split(' ').map(OsString::from).collect());
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_colon_separates_like_a_blank_in_the_commands_name_alone() {
        for (typed, meant) in [
            ("slipway config:set A=1", "slipway config set A=1"),
            ("slipway -a shop --json config:get A", "slipway -a shop --json config get A"),
            ("slipway releases:info v3", "slipway releases info v3"),
            ("slipway run config:set", "slipway run config:set"),
            ("slipway unknown:set A", "slipway unknown:set A"),
            ("slipway ps", "slipway ps"),
        ] {
            assert_eq!(rewritten(typed), meant);
        }
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    /// Every command below this one with its whole name, itself included.
    fn family(name: &str, command: &clap::Command) -> Vec<(String, clap::Command)> {
        let mut all = vec![(name.to_owned(), command.clone())];
        for child in command.get_subcommands().filter(|child| !child.is_hide_set()) {
            all.extend(family(&format!("{name} {}", child.get_name()), child));
        }
        all
    }

    /// Every command that is shown.
    pub fn whole_family() -> Vec<(String, clap::Command)> {
        let mut root = command().term_width(100);
        root.build();
        family("slipway", &root)
    }

    #[test]
    fn every_help_text_is_as_agreed() {
        for (name, mut command) in whole_family() {
            let help = command.render_long_help().to_string();
            insta::assert_snapshot!(format!("help {name}").replace(' ', "_"), help);
        }
    }

    /// The words of a line as a shell would split it; redirections and pipes end it.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), _) if c == open => quote = None,
                (None, ' ') => words.push(String::new()),
                _ => words.last_mut().unwrap().push(c),
            }
        }
        words.into_iter().take_while(|word| word != ">" && word != "<").collect()
    }

    #[test]
    fn every_example_is_understood() {
        let mut seen = 0;
        for (name, command) in whole_family() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:") || name == "slipway", "{name} has no examples");
            for line in help.lines().filter_map(|line| line.strip_prefix("  slipway ")) {
                let words = words(&format!("slipway {line}")).into_iter().map(OsString::from);
                let parsed = super::command().try_get_matches_from(without_colon(words.collect()));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                seen += 1;
            }
        }
        assert!(seen > 40, "only {seen} examples were found");
    }
}
