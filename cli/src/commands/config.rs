//! `slipway config`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use slipway_core::name::ConfigKey;
use slipway_core::wire::config::{ConfigChanged, ConfigList, ConfigPatch};

use crate::dotenv;
use crate::escape;
use crate::failure::Failure;
use crate::follow::{Wait, follow};
use crate::invocation::Invocation;
use crate::prompt;
use crate::table::{Cell, Table};
use crate::view::{Tone, View};

/// Show and change the app's configuration, which it finds in its environment
///
/// A change makes a new release with the same image and carries it to production like a deploy.
/// Values are stored encrypted and are never listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway config
  slipway config set DEBUG=0 CACHE_URL=redis://cache
  slipway config get CACHE_URL
  slipway config unset DEBUG")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Set values; several at once make one release
    ///
    /// `KEY=-` reads the value from standard input, up to its end and without one final line end:
    /// it then appears in no list of processes and no history of the shell.
    #[command(after_help = "Examples:
  slipway config set DEBUG=0 CACHE_URL=redis://cache
  slipway config set SIGNING_KEY=- < key.pem
  slipway config set --file .env")]
    Set {
        /// The values
        #[arg(value_name = "KEY=VALUE", required_unless_present = "file")]
        values: Vec<Assignment>,
        /// Also read values from a file of `KEY=value` lines
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Print one value; the server writes down who asked
    #[command(after_help = "Examples:
  slipway config get CACHE_URL
  slipway config get SIGNING_KEY > key.pem")]
    Get {
        /// Its key
        key: ConfigKey,
    },
    /// Remove values; several at once make one release
    #[command(after_help = "Examples:
  slipway config unset DEBUG CACHE_URL")]
    Unset {
        /// Their keys
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<ConfigKey>,
        #[command(flatten)]
        wait: Wait,
    },
}

/// `KEY=value`, or `KEY=-` for a value on standard input.
#[derive(Clone)]
struct Assignment {
    key: ConfigKey,
    value: Option<String>,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) =
            text.split_once('=').ok_or("write it as `KEY=VALUE`, or `KEY=-` for standard input")?;
        let key = key.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { key, value: (value != "-").then(|| value.to_owned()) })
    }
}

impl std::fmt::Debug for Assignment {
    /// The key alone: values are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Assignment").field(&self.key).finish()
    }
}

type Values = BTreeMap<ConfigKey, Option<String>>;

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    match args.verb {
        None => list(invocation).await,
        Some(Verb::Get { key }) => get(invocation, &key).await,
        Some(Verb::Set { values, file, wait }) => {
            let values = gather(values, file.as_deref())?;
            change(invocation, "set", values, wait).await
        }
        Some(Verb::Unset { keys, wait }) => {
            let values = keys.into_iter().map(|key| (key, None)).collect();
            change(invocation, "unset", values, wait).await
        }
    }
}

async fn list(invocation: &Invocation) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let config = client.config(&app).await?;
    invocation.printer.show(&config, |view| render(view, &config))
}

async fn get(invocation: &Invocation, key: &ConfigKey) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let value = client.config_value(&app, key).await?;
    invocation.printer.show(&value, |view| render_value(view, &value.value))
}

/// Values of the file, overridden by those of the command line.
fn gather(assignments: Vec<Assignment>, file: Option<&Path>) -> Result<Values, Failure> {
    let mut values = match file {
        Some(path) => read_file(path)?,
        None => Values::new(),
    };
    let mut stdin_is_taken = false;
    for Assignment { key, value } in assignments {
        let value = match value {
            Some(value) => value,
            None if stdin_is_taken => {
                return Err(Failure::usage("only one value can be read from standard input"));
            }
            None => {
                stdin_is_taken = true;
                prompt::standard_input()?
            }
        };
        values.insert(key, Some(value));
    }
    Ok(values)
}

fn read_file(path: &Path) -> Result<Values, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read `{shown}`: {error}")))?;
    let pairs =
        dotenv::parse(&text).map_err(|error| Failure::new(format!("`{shown}`, {error}")))?;
    pairs
        .into_iter()
        .map(|(key, value)| Ok((key.parse()?, Some(value))))
        .collect::<Result<_, slipway_core::name::InvalidName>>()
        .map_err(|error| Failure::new(format!("`{shown}`: {error}")))
}

async fn change(
    invocation: &Invocation,
    verb: &str,
    values: Values,
    wait: Wait,
) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let keys: Vec<String> = values.keys().map(ToString::to_string).collect();
    let changed = client.change_config(&app, &ConfigPatch { values }, None).await?;
    let said = format!("{verb} {} of {app}", keys.join(", "));
    match &changed.deployment {
        Some(deployment) => {
            invocation.printer.say(&said)?;
            follow(invocation, &client, deployment, wait).await
        }
        None => unreleased(invocation, &said, &changed),
    }
}

/// Nothing differs from before, or nothing is live that could carry the change.
fn unreleased(invocation: &Invocation, said: &str, changed: &ConfigChanged) -> Result<(), Failure> {
    invocation.printer.show(changed, |_| format!("{said}; nothing had to be deployed\n"))
}

fn render(view: &View, config: &ConfigList) -> String {
    if config.entries.is_empty() {
        return "no configuration; `slipway config set KEY=VALUE` adds some\n".to_owned();
    }
    let mut table = Table::new(["KEY", "BYTES", "CHANGED", "BY"]);
    for entry in &config.entries {
        let by = if entry.generated { "slipway" } else { "" };
        table.row([
            Cell::toned(Tone::Strong, entry.key.as_str()),
            entry.bytes.to_string().into(),
            view.when(entry.updated_at).into(),
            by.into(),
        ]);
    }
    table.render(view)
}

/// The value and one line end, so that `get` and `set KEY=-` are each other's inverse.
fn render_value(view: &View, value: &str) -> String {
    let shown = if view.terminal {
        let lines: Vec<String> =
            value.split('\n').map(|line| escape::for_terminal(line, false)).collect();
        lines.join("\n")
    } else {
        value.to_owned()
    };
    format!("{shown}\n")
}

#[cfg(test)]
mod tests {
    use slipway_core::wire::config::ConfigEntry;

    use super::*;
    use crate::testing::{PLAIN, TERMINAL, minutes_ago, visible};

    fn entry(key: &str, bytes: u64, generated: bool) -> ConfigEntry {
        ConfigEntry { key: key.parse().unwrap(), bytes, updated_at: minutes_ago(9), generated }
    }

    #[test]
    fn keys_are_listed_without_their_values() {
        let entries = vec![entry("DATABASE_URL", 61, false), entry("SECRET_KEY", 50, true)];
        let config = ConfigList { entries, etag: "\"7\"".to_owned() };
        insta::assert_snapshot!("config", render(&PLAIN, &config));
        insta::assert_snapshot!("config_on_a_terminal", visible(&render(&TERMINAL, &config)));
        insta::assert_json_snapshot!("config_as_json", config);
    }

    #[test]
    fn a_value_is_exact_in_a_pipe_and_harmless_on_a_terminal() {
        let value = "a\u{1b}[31m\nb";
        assert_eq!(render_value(&PLAIN, value), "a\u{1b}[31m\nb\n");
        assert_eq!(render_value(&TERMINAL, "a\u{1b}[2J\nb"), "a^[[2J\nb\n");
    }

    #[test]
    fn the_command_line_overrides_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "A=file\nB='two words'\n").unwrap();
        let values = gather(vec!["A=a=b".parse().unwrap()], Some(file.path())).unwrap();
        let shown: Vec<String> =
            values.iter().map(|(key, value)| format!("{key}={}", value.clone().unwrap())).collect();
        assert_eq!(shown, ["A=a=b", "B=two words"]);
    }

    #[test]
    fn a_reserved_key_in_a_file_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "SLIPWAY_APP=x\n").unwrap();
        let failure = gather(Vec::new(), Some(file.path())).unwrap_err();
        assert!(failure.message().contains("`SLIPWAY_APP`"), "{failure}");
    }
}
