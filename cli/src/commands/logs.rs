//! `slipway logs`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use futures_util::StreamExt;
use slipway_client::LogQuery;
use slipway_core::log::{LogLine, LogSource};
use slipway_core::name::ProcessName;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::time;
use crate::view::{Tone, View, word};

/// Show the app's log: its output, builds, release commands, and what Slipway did
///
/// One stream of every source. The lines of instances that are gone are kept. Times are UTC.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway logs
  slipway logs -f -n 200
  slipway logs -f --process web --contains 'POST /cart'
  slipway logs --source build --json")]
pub struct Args {
    /// Keep showing lines as they are written
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest lines
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    lines: u32,
    /// Only lines of this source
    #[arg(long, value_parser = sources())]
    source: Option<LogSource>,
    /// Only lines of this process
    #[arg(long, value_name = "PROCESS")]
    process: Option<ProcessName>,
    /// Only lines of this instance, by its short id
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Only lines that contain this text
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
}

const SOURCES: [LogSource; 5] =
    [LogSource::Build, LogSource::Release, LogSource::App, LogSource::Run, LogSource::Platform];

fn sources() -> impl TypedValueParser<Value = LogSource> {
    PossibleValuesParser::new(SOURCES.map(LogSource::as_str)).map(|name| {
        let chosen = SOURCES.into_iter().find(|source| source.as_str() == name);
        chosen.expect("clap admits the names of sources alone")
    })
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let query = LogQuery {
        lines: Some(args.lines),
        source: args.source,
        process: args.process.map(|process| process.to_string()),
        // `web.4k2m8r1t`, as the lines show it, is as good as its last part.
        instance: args.instance.map(|id| id.rsplit('.').next().unwrap_or_default().to_owned()),
        contains: args.contains,
    };
    if !args.follow {
        let lines = client.logs(&app, &query).await?;
        return invocation
            .printer
            .show(&lines, |view| lines.iter().map(|line| render(view, line)).collect());
    }
    let mut lines = client.follow_logs(&app, &query, None);
    while let Some(line) = lines.next().await {
        let (_, line) = line?;
        invocation.printer.item(&line, |view| render(view, &line))?;
    }
    Ok(())
}

/// `2026-01-05T14:03:22Z app[web.4k2m8r1t]: GET /cart 200`.
fn render(view: &View, line: &LogLine) -> String {
    let origin = match (&line.process, &line.instance) {
        (Some(process), Some(instance)) => format!("[{}.{}]", word(process), word(instance)),
        (Some(name), None) | (None, Some(name)) => format!("[{}]", word(name)),
        (None, None) => String::new(),
    };
    let at = view.paint(Tone::Quiet, &time::utc(line.at));
    let from = view.paint(tone(line.source), &format!("{}{origin}:", line.source.as_str()));
    let text = view.line(&line.text);
    format!("{at} {from} {text}\n")
}

fn tone(source: LogSource) -> Tone {
    match source {
        LogSource::App => Tone::Good,
        LogSource::Build | LogSource::Release => Tone::Doubtful,
        LogSource::Run | LogSource::Platform => Tone::Busy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, PLAIN, TERMINAL, visible};

    fn lines() -> Vec<LogLine> {
        let line = |source, process: Option<&str>, text: &str| LogLine {
            at: NOW,
            source,
            process: process.map(str::to_owned),
            instance: process.map(|_| "4k2m8r1t".to_owned()),
            deployment: None,
            text: text.to_owned(),
        };
        vec![
            line(LogSource::Build, None, "-----> Installing 14 packages"),
            line(LogSource::App, Some("web"), "\x1b[32mGET\x1b[0m /cart 200\x1b]0;owned\x07"),
            line(LogSource::Platform, Some("worker"), "exited with 1; starts again in 2 s"),
        ]
    }

    #[test]
    fn lines_show_when_and_whence_they_came() {
        let text = |view| lines().iter().map(|line| render(view, line)).collect::<String>();
        insta::assert_snapshot!("logs", visible(&text(&PLAIN)));
        insta::assert_snapshot!("logs_on_a_terminal", visible(&text(&TERMINAL)));
        insta::assert_json_snapshot!("logs_as_json", lines());
    }

    #[test]
    fn without_colours_a_terminal_sees_none() {
        let view = View { colour: false, ..TERMINAL };
        let text = render(&view, &lines()[1]);
        assert_eq!(text, "2026-01-05T14:03:22Z app[web.4k2m8r1t]: GET /cart 200^[]0;owned^G\n");
    }
}
