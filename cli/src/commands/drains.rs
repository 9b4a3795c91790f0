//! `slipway drains`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use slipway_core::id::{DrainId, Id as _};
use slipway_core::log::LogSource;
use slipway_core::wire::drain::{DrainInfo, DrainRequest};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View, word};

/// Send the app's log lines to other systems
///
/// A drain gets every line from when it was added on, at least once: as syslog (RFC 5424) over TCP or
/// TLS, or as JSON by POST. What it cannot take waits as long as the log keeps it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway drains
  slipway drains add syslog+tls://logs.example.com:6514
  slipway drains add https://logs.example.com/in --token - --gzip --source app,access
  slipway drains test drn_01j8x3y5z7k9m1n3p5q7r9t1v3")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the drains, and how each is doing
    #[command(after_help = "Examples:
  slipway drains list --json")]
    List,
    /// Add a drain
    #[command(after_help = "Examples:
  slipway drains add syslog://10.0.0.5:514
  slipway drains add https://logs.example.com/in --token - < token.txt")]
    Add {
        /// `syslog://host:port`, `syslog+tls://host:port`, `https://…` or `http://…`
        url: String,
        /// Sent as `Authorization: Bearer …`; `-` reads it from standard input
        #[arg(long)]
        token: Option<String>,
        /// Compress what is `POSTed`
        #[arg(long)]
        gzip: bool,
        /// Only lines of these sources, with commas between them
        #[arg(long = "source", value_name = "SOURCE", value_delimiter = ',',
            value_parser = sources())]
        sources: Vec<LogSource>,
    },
    /// Remove a drain
    #[command(after_help = "Examples:
  slipway drains remove drn_01j8x3y5z7k9m1n3p5q7r9t1v3")]
    Remove {
        /// The drain's id, from `slipway drains`
        id: DrainId,
    },
    /// Send one line to a drain and say whether it was taken
    #[command(after_help = "Examples:
  slipway drains test drn_01j8x3y5z7k9m1n3p5q7r9t1v3")]
    Test {
        /// The drain's id, from `slipway drains`
        id: DrainId,
    },
}

fn sources() -> impl TypedValueParser<Value = LogSource> {
    PossibleValuesParser::new(LogSource::ALL.map(LogSource::as_str))
        .map(|name| name.parse().expect("clap admits the names of sources alone"))
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let printer = &invocation.printer;
    match args.verb.unwrap_or(Verb::List) {
        Verb::List => {
            let drains = client.drains(&app).await?;
            printer.show(&drains, |view| render(view, &drains))
        }
        Verb::Add { url, token, gzip, sources } => {
            let token = token.map(read_token).transpose()?;
            let request = DrainRequest { url, token, gzip, sources };
            let drain = client.add_drain(&app, &request).await?;
            printer
                .show(&drain, |_| format!("added {} to {}\n", drain.id, word(&drain.address)))?;
            if !printer.json {
                printer.hint(&format!("`slipway drains test {}` tries it", drain.id));
            }
            Ok(())
        }
        Verb::Remove { id } => {
            client.remove_drain(&app, &id).await?;
            printer.say(&format!("removed {id}"))
        }
        Verb::Test { id } => {
            let test = client.test_drain(&app, &id).await?;
            if test.delivered {
                return printer.show(&test, |_| format!("{id} took a line\n"));
            }
            let why = test.error.unwrap_or_else(|| "it took nothing".to_owned());
            Err(Failure::new(format!("{id} took nothing: {}", word(&why))))
        }
    }
}

/// A secret in an argument is seen by everybody who lists processes: `-` reads it instead.
fn read_token(token: String) -> Result<String, Failure> {
    if token != "-" {
        return Ok(token);
    }
    let text = std::io::read_to_string(std::io::stdin())
        .map_err(|error| Failure::new(format!("cannot read the token: {error}")))?;
    Ok(text.trim().to_owned())
}

fn render(view: &View, drains: &[DrainInfo]) -> String {
    if drains.is_empty() {
        return "no drains; `slipway drains add URL` adds one\n".to_owned();
    }
    let mut table = Table::new(["ID", "SOURCES", "DELIVERED", "BEHIND", "STATE", "ADDRESS"]);
    let mut failures = String::new();
    for drain in drains {
        let names: Vec<&str> = drain.sources.iter().map(|source| source.as_str()).collect();
        let sources = if names.is_empty() { "all".to_owned() } else { names.join(",") };
        let state = match &drain.failure {
            Some(failure) => {
                let since = view.when(failure.since);
                let line = [drain.id.as_str(), ": ", &word(&failure.message), "\n"].concat();
                failures.push_str(&line);
                Cell::toned(Tone::Bad, format!("failing since {since}"))
            }
            None => Cell::toned(Tone::Good, "ok"),
        };
        table.row([
            drain.id.to_string().into(),
            sources.into(),
            drain.delivered_at.map_or("never".to_owned(), |at| view.when(at)).into(),
            format!("{} kB", drain.behind_bytes.div_ceil(1000)).into(),
            state,
            Cell::toned(Tone::Strong, &drain.address),
        ]);
    }
    let table = table.render(view);
    if failures.is_empty() { table } else { format!("{table}\n{failures}") }
}

#[cfg(test)]
mod tests {
    use slipway_core::wire::drain::DrainFailure;

    use super::*;
    use crate::testing::{PLAIN, TERMINAL, minutes_ago, visible};

    fn drain(bits: u128, sources: &[LogSource], failure: Option<&str>) -> DrainInfo {
        DrainInfo {
            id: DrainId::from_bits(bits),
            address: "https://logs.example.com/…".to_owned(),
            sources: sources.to_vec(),
            created_at: minutes_ago(90),
            created_by: "ada@example.com".to_owned(),
            delivered_at: failure.is_none().then(|| minutes_ago(1)),
            behind_bytes: 5_120,
            failure: failure.map(|message| DrainFailure {
                since: minutes_ago(30),
                message: message.to_owned(),
            }),
        }
    }

    #[test]
    fn drains_are_listed_with_how_they_are_doing() {
        let drains = [
            drain(7, &[], None),
            drain(8, &[LogSource::App, LogSource::Access], Some("answered 503\x1b[2J")),
        ];
        insta::assert_snapshot!("drains", render(&PLAIN, &drains));
        insta::assert_snapshot!("drains_on_a_terminal", visible(&render(&TERMINAL, &drains)));
        insta::assert_snapshot!("drains_none", render(&PLAIN, &[]));
    }
}
