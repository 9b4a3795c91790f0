//! `slipway top`

use std::pin::pin;
use std::time::Duration;

use slipway_core::metric::Metric;
use slipway_core::wire::metrics::ProcessNow;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::quantity;
use crate::table::{Cell, Table};
use crate::time;
use crate::view::{Tone, View, word};

/// How often it is drawn anew.
const REFRESH: Duration = Duration::from_secs(2);
/// To the upper left corner; what is below the new picture is cleared after it.
const HOME: &str = "\x1b[H";
const CLEAR_SCREEN: &str = "\x1b[2J";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Show how every process does at the moment
///
/// On a terminal the table is drawn anew until it is interrupted, the busiest first; elsewhere it is
/// printed once. Numbers are of the last quarter of a minute.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway top
  slipway top -a shop
  slipway top --json")]
pub struct Args {
    /// Print the table once, also on a terminal
    #[arg(long)]
    once: bool,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let printer = &invocation.printer;
    let of_app = |mut now: Vec<ProcessNow>| {
        let app = invocation.global.app.as_ref();
        now.retain(|process| app.is_none_or(|app| *app == process.app));
        sort(&mut now);
        now
    };
    if args.once || printer.json || !printer.view.terminal {
        let now = of_app(client.metrics_now().await?);
        return printer.show(&now, |view| render(view, &now));
    }
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    printer.write(CLEAR_SCREEN)?;
    loop {
        let now = of_app(client.metrics_now().await?);
        let view = View { now: time::now(), ..printer.view };
        printer.write(&redrawn(&view, &client.server().to_string(), &now))?;
        tokio::select! {
            () = tokio::time::sleep(REFRESH) => {}
            _ = &mut interrupt => return Ok(()),
        }
    }
}

/// The busiest first; names decide between those that do nothing.
fn sort(now: &mut [ProcessNow]) {
    let load = |process: &ProcessNow| (process.rps.unwrap_or(0.0), process.cpu.unwrap_or(0.0));
    now.sort_by(|one, other| {
        let ((rps, cpu), (other_rps, other_cpu)) = (load(one), load(other));
        other_rps
            .total_cmp(&rps)
            .then(other_cpu.total_cmp(&cpu))
            .then_with(|| (&one.app, &one.process).cmp(&(&other.app, &other.process)))
    });
}

/// The picture for a terminal, over the one before.
fn redrawn(view: &View, server: &str, now: &[ProcessNow]) -> String {
    let title = format!("{server}  {}", time::utc(view.now));
    let picture = format!("{}\n\n{}", view.paint(Tone::Quiet, &title), render(view, now));
    format!("{HOME}{}{CLEAR_BELOW}", picture.replace('\n', &format!("{CLEAR_LINE}\n")))
}

fn render(view: &View, now: &[ProcessNow]) -> String {
    if now.is_empty() {
        return "nothing runs\n".to_owned();
    }
    let header = ["APP", "PROCESS", "INSTANCES", "REQUESTS", "P95", "ERRORS", "CPU", "MEMORY"];
    let mut table = Table::new(header);
    for process in now {
        let limit = process.memory;
        let memory = shown(&Metric::MemoryBytes, process.memory_bytes);
        let share = limit.map(|share| format!(" ({})", quantity::of(Metric::Memory.unit(), share)));
        table.row([
            Cell::toned(Tone::Strong, process.app.as_str()),
            process.process.as_str().into(),
            shown(&Metric::Instances, process.instances).into(),
            shown(&Metric::Rps, process.rps).into(),
            shown(&Metric::P95Ms, process.p95_ms).into(),
            Cell::toned(tone(process.errors, 0.0, 1.0), shown(&Metric::Errors, process.errors)),
            Cell::toned(tone(process.cpu, 70.0, 90.0), shown(&Metric::Cpu, process.cpu)),
            Cell::toned(
                tone(limit, 80.0, 90.0),
                format!("{memory}{}", share.as_deref().unwrap_or_default()),
            ),
        ]);
    }
    table.render(view)
}

fn shown(metric: &Metric, value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| word(&quantity::of(metric.unit(), value)))
}

fn tone(value: Option<f64>, doubtful: f64, bad: f64) -> Tone {
    match value {
        Some(value) if value > bad => Tone::Bad,
        Some(value) if value > doubtful => Tone::Doubtful,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PLAIN, TERMINAL, visible};

    fn process(app: &str, name: &str, rps: Option<f64>) -> ProcessNow {
        ProcessNow {
            app: app.parse().unwrap(),
            process: name.parse().unwrap(),
            rps,
            p95_ms: rps.map(|_| 84.0),
            errors: rps.map(|_| 0.4),
            cpu: Some(93.0),
            memory: Some(85.5),
            memory_bytes: Some(458_752_000.0),
            instances: Some(2.0),
        }
    }

    fn now() -> Vec<ProcessNow> {
        let unknown = ProcessNow {
            cpu: None,
            memory: None,
            memory_bytes: None,
            instances: Some(0.0),
            ..process("blog", "web", None)
        };
        let mut now =
            vec![unknown, process("blog", "worker", None), process("shop", "web", Some(1250.0))];
        sort(&mut now);
        now
    }

    #[test]
    fn the_busiest_process_is_on_top() {
        let now = now();
        insta::assert_snapshot!("top", render(&PLAIN, &now));
        insta::assert_json_snapshot!("top_as_json", now);
        assert_eq!(render(&PLAIN, &[]), "nothing runs\n");
    }

    #[test]
    fn a_terminal_is_drawn_over_and_not_scrolled() {
        let drawn = redrawn(&TERMINAL, "localhost:8080", &now());
        insta::assert_snapshot!("top_on_a_terminal", visible(&drawn));
    }
}
