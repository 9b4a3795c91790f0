//! `slipway alerts`

mod channels;
mod rule;

use slipway_client::Client;
use slipway_core::alert::{State, amount};
use slipway_core::name::{AlertName, AppName, ChannelName};
use slipway_core::wire::alert::{AlertInfo, AlertOrigin, Firing};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View, word};

/// Show and change what is watched, and who is told
///
/// Every app has alerts on errors, latency, memory and crash loops from its first deploy, and the
/// host one on its disk. An alert is told once when it fires and once when it is over, to every
/// channel. Missing data neither fires an alert nor ends one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway alerts
  slipway alerts add high-latency --metric p95_ms --above 500 --for 5m
  slipway alerts off latency -a shop
  slipway alerts channels add ops webhook https://hooks.example.com/slipway
  slipway alerts test ops")]
pub struct Args {
    /// The alerts of the host instead of an app's
    #[arg(long, global = true)]
    host: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the alerts and where they stand
    #[command(after_help = "Examples:
  slipway alerts list
  slipway alerts list --host --json")]
    List,
    /// Add an alert, or change the one of that name
    #[command(after_help = "Examples:
  slipway alerts add high-latency --metric p95_ms --above 500 --for 5m
  slipway alerts add errors --metric errors --above 2 --clear 1 --for 5m --severity critical
  slipway alerts add busy --metric rps --above 3 --of-week --for 10m
  slipway alerts add disk --host --metric host_disk --above 70")]
    Add {
        /// Its name
        name: AlertName,
        #[command(flatten)]
        rule: rule::RuleArgs,
    },
    /// Remove an alert; a changed one that is there by itself becomes what it was
    #[command(after_help = "Examples:
  slipway alerts remove high-latency")]
    Remove {
        /// Its name
        name: AlertName,
    },
    /// Switch an alert off; one that fires ends
    #[command(after_help = "Examples:
  slipway alerts off latency -a shop")]
    Off {
        /// Its name
        name: AlertName,
    },
    /// Switch an alert on again
    #[command(after_help = "Examples:
  slipway alerts on latency -a shop")]
    On {
        /// Its name
        name: AlertName,
    },
    /// Show when alerts fired
    #[command(after_help = "Examples:
  slipway alerts history -n 100
  slipway alerts history --host")]
    History {
        /// Most rows
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
        lines: u32,
    },
    Channels(channels::Args),
    /// Send a message to a channel, and wait until it arrived
    #[command(after_help = "Examples:
  slipway alerts test ops")]
    Test {
        /// The channel's name
        channel: ChannelName,
    },
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let printer = &invocation.printer;
    let scope = async || scope(invocation, args.host).await;
    match args.verb.unwrap_or(Verb::List) {
        Verb::List => {
            let (client, app) = scope().await?;
            let alerts = client.alerts(app.as_ref()).await?;
            printer.show(&alerts, |view| render(view, &alerts))
        }
        Verb::Add { name, rule } => {
            let (client, app) = scope().await?;
            let alert = client.set_alert(app.as_ref(), &name, &rule.rule()).await?;
            printer.show(&alert, |_| format!("{}: {}\n", alert.name, word(&alert.condition)))
        }
        Verb::Remove { name } => {
            let (client, app) = scope().await?;
            client.remove_alert(app.as_ref(), &name).await?;
            printer.say(&format!("removed {name}"))
        }
        Verb::Off { name } => switch(invocation, scope().await?, &name, false).await,
        Verb::On { name } => switch(invocation, scope().await?, &name, true).await,
        Verb::History { lines } => {
            let (client, app) = scope().await?;
            let firings = client.firings(app.as_ref(), Some(lines), None).await?;
            printer.show(&firings, |view| render_history(view, &firings))
        }
        Verb::Channels(args) => channels::run(invocation, args).await,
        Verb::Test { channel } => channels::test(invocation, &channel).await,
    }
}

/// A client, and the app whose alerts are meant; no app for the host's.
async fn scope(invocation: &Invocation, host: bool) -> Result<(Client, Option<AppName>), Failure> {
    if host && invocation.global.app.is_some() {
        return Err(Failure::usage("an alert is about the host, or about an app")
            .hint("leave out `--host`, or `-a`"));
    }
    let app = if host { None } else { Some(invocation.app().await?) };
    Ok((invocation.client().await?, app))
}

async fn switch(
    invocation: &Invocation,
    (client, app): (Client, Option<AppName>),
    name: &AlertName,
    enabled: bool,
) -> Result<(), Failure> {
    let alerts = client.alerts(app.as_ref()).await?;
    let alert = alerts.into_iter().find(|alert| alert.name == *name).ok_or_else(|| {
        Failure::new(format!("there is no alert `{name}`")).hint("`slipway alerts` lists them")
    })?;
    let mut rule = alert.rule;
    rule.enabled = enabled;
    let alert = client.set_alert(app.as_ref(), name, &rule).await?;
    let state = if enabled { "on" } else { "off" };
    invocation.printer.show(&alert, |_| format!("{name} is {state}\n"))
}

fn render(view: &View, alerts: &[AlertInfo]) -> String {
    if alerts.is_empty() {
        return "no alerts\n".to_owned();
    }
    let mut table = Table::new(["ALERT", "STATE", "SINCE", "NOW", "SEVERITY", "FROM", "CONDITION"]);
    for alert in alerts {
        let (tone, state) = state(alert);
        let since = alert.status.map_or("-".to_owned(), |status| view.when(status.since));
        let value = alert.status.and_then(|status| status.value);
        let now = value.map_or("-".to_owned(), |value| amount(&alert.rule.metric, value));
        let origin = match alert.origin {
            AlertOrigin::Default => "default",
            AlertOrigin::Changed => "changed",
            AlertOrigin::Own => "own",
        };
        table.row([
            Cell::toned(Tone::Strong, alert.name.as_str()),
            Cell::toned(tone, state),
            since.into(),
            now.into(),
            alert.rule.severity.as_str().into(),
            Cell::toned(Tone::Quiet, origin),
            alert.condition.as_str().into(),
        ]);
    }
    table.render(view)
}

/// Where an alert stands, in a word or three.
fn state(alert: &AlertInfo) -> (Tone, &'static str) {
    if !alert.rule.enabled {
        return (Tone::Quiet, "off");
    }
    let Some(status) = alert.status else { return (Tone::Quiet, "no data") };
    match (status.state, status.value) {
        (State::Firing { .. }, Some(_)) => (Tone::Bad, "firing"),
        (State::Firing { .. }, None) => (Tone::Bad, "firing, no data"),
        (State::Pending { .. }, Some(_)) => (Tone::Doubtful, "pending"),
        (State::Pending { .. }, None) => (Tone::Doubtful, "pending, no data"),
        (State::Ok, Some(_)) => (Tone::Good, "ok"),
        (State::Ok, None) => (Tone::Quiet, "no data"),
    }
}

fn render_history(view: &View, firings: &[Firing]) -> String {
    if firings.is_empty() {
        return "no alert has fired\n".to_owned();
    }
    let mut table = Table::new(["STARTED", "LASTED", "ALERT", "SEVERITY", "WHAT"]);
    for firing in firings {
        let lasted = match firing.ended_at {
            Some(ended) => Cell::new(ended.since(firing.started_at).to_string()),
            None => Cell::toned(Tone::Bad, "firing"),
        };
        table.row([
            view.when(firing.started_at).into(),
            lasted,
            Cell::toned(Tone::Strong, firing.alert.as_str()),
            firing.severity.as_str().into(),
            firing.sentence.as_str().into(),
        ]);
    }
    table.render(view)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use slipway_core::alert::{Bounds, Scope, Severity, Status, effective};
    use slipway_core::id::{FiringId, Id};
    use slipway_core::time::Millis;

    use super::*;
    use crate::testing::{PLAIN, TERMINAL, minutes_ago, visible};

    fn alerts() -> Vec<AlertInfo> {
        let states = [
            (State::Ok, None),
            (State::Firing { worst: 7.5 }, Some(3.25)),
            (State::Pending { held: Millis(60_000) }, Some(480.0)),
            (State::Ok, Some(41.0)),
        ];
        let rules = effective(Scope::App, BTreeMap::new());
        let mut alerts: Vec<AlertInfo> = rules
            .into_iter()
            .zip(states)
            .map(|((name, rule), (state, value))| AlertInfo {
                name,
                condition: rule.condition(),
                status: Some(Status {
                    state,
                    since: minutes_ago(7),
                    value,
                    bounds: rule.bounds(Some(200.0)),
                    measured_at: value.map(|_| minutes_ago(0)),
                }),
                rule,
                origin: AlertOrigin::Default,
            })
            .collect();
        let mut own = alerts[3].clone();
        (own.name, own.origin, own.status) = ("own".parse().unwrap(), AlertOrigin::Own, None);
        own.rule.enabled = false;
        alerts.push(own);
        alerts
    }

    fn firing(ended: bool) -> Firing {
        Firing {
            id: FiringId::from_bits(1),
            app: Some("shop".parse().unwrap()),
            alert: "errors".parse().unwrap(),
            severity: Severity::Critical,
            sentence: "errors is 3.2 %, above 1 % for 5 min".to_owned(),
            value: 3.2,
            bounds: Bounds { threshold: 1.0, clear: 0.9 },
            started_at: minutes_ago(30),
            ended_at: ended.then(|| minutes_ago(21)),
            ending: ended.then(|| "errors is 0 % again".to_owned()),
        }
    }

    #[test]
    fn alerts_are_listed_with_where_they_stand() {
        insta::assert_snapshot!("alerts", render(&PLAIN, &alerts()));
        insta::assert_snapshot!("alerts_on_a_terminal", visible(&render(&TERMINAL, &alerts())));
        insta::assert_json_snapshot!("alerts_as_json", alerts());
        insta::assert_snapshot!(render(&PLAIN, &[]), @"no alerts");
    }

    #[test]
    fn the_history_says_what_was_the_matter_and_for_how_long() {
        let history = [firing(false), firing(true)];
        insta::assert_snapshot!("history", render_history(&PLAIN, &history));
        insta::assert_json_snapshot!("history_as_json", history);
        insta::assert_snapshot!(render_history(&PLAIN, &[]), @"no alert has fired");
    }
}
