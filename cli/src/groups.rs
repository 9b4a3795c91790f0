//! The overview of commands, in groups, made from the commands' own descriptions.

use std::fmt::Write;

use clap::Command;

const GROUPS: &[(&str, &[&str])] = &[
    ("Account", &["login", "logout", "join", "whoami", "tokens", "members"]),
    ("Apps", &["create", "apps", "info", "open", "domains", "destroy"]),
    ("Deploy", &["deploy", "deployments", "releases", "rollback"]),
    ("Run", &["ps", "scale", "autoscale", "restart", "stop", "start", "run", "exec", "config"]),
    ("Watch", &["logs", "drains", "events", "metrics", "top", "alerts", "status"]),
    ("This program", &["completion", "version"]),
];

/// The command with a help text that shows its subcommands in groups.
pub fn with_grouped_help(command: Command) -> Command {
    let header = *command.get_styles().get_header();
    let literal = *command.get_styles().get_literal();
    let mut overview = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(overview, "{header}{title}:{header:#}");
        for name in *names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(overview, "  {literal}{name:<12}{literal:#} {about}");
        }
        overview.push('\n');
    }
    // clap's own `{all-args}` would list the subcommands a second time, without groups.
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{overview}{header}Global options:{header:#}\n{{options}}{{after-help}}"
    );
    command
        .help_template(template)
        .after_help("`slipway COMMAND --help` says more about a command, with examples.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    #[test]
    fn every_visible_command_is_in_exactly_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let command = args::command();
        let mut visible: Vec<&str> = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(Command::get_name)
            .collect();
        grouped.sort_unstable();
        visible.sort_unstable();
        assert_eq!(grouped, visible);
    }
}
