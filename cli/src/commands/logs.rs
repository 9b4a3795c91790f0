//! `slipway logs`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use futures_util::StreamExt;
use slipway_client::LogQuery;
use slipway_core::log::{LogLine, LogSource, LoggedRequest, StatusPattern};
use slipway_core::name::ProcessName;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::moment::Moment;
use crate::time;
use crate::view::{Tone, View, word};

/// Show the app's log: its output, requests, builds, release commands, and what Slipway did
///
/// One stream of every source. The lines of instances that are gone are kept, 40 MB of them, and
/// the last 10 MB of requests. Times are UTC.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway logs
  slipway logs -f -n 200
  slipway logs -f --source app,access --process web
  slipway logs --status 5xx --since 1h
  slipway logs --search 'POST /cart' --since 2026-01-05T14:00:00Z --until 2026-01-05T15:00:00Z
  slipway logs --source build --json")]
pub struct Args {
    /// Keep showing lines as they are written
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest lines
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    lines: u32,
    /// Only lines of these sources, with commas between them
    #[arg(long = "source", value_name = "SOURCE", value_delimiter = ',', value_parser = sources())]
    sources: Vec<LogSource>,
    /// Only lines of this process
    #[arg(long, value_name = "PROCESS")]
    process: Option<ProcessName>,
    /// Only lines of this instance, by its short id
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Only lines that contain this text, whatever its case
    #[arg(long, value_name = "TEXT", visible_alias = "contains")]
    search: Option<String>,
    /// Only requests with these statuses: `404`, `5xx`
    #[arg(long = "status", value_name = "STATUS", value_delimiter = ',')]
    statuses: Vec<StatusPattern>,
    /// Only lines since then: `90s`, `30m`, `1h`, `2d` ago, or a time like `2026-01-05T14:03:22Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only lines before then, likewise
    #[arg(long, value_name = "TIME", conflicts_with = "follow")]
    until: Option<Moment>,
}

fn sources() -> impl TypedValueParser<Value = LogSource> {
    PossibleValuesParser::new(LogSource::ALL.map(LogSource::as_str))
        .map(|name| name.parse().expect("clap admits the names of sources alone"))
}

impl Args {
    fn query(self) -> LogQuery {
        let now = time::now();
        LogQuery {
            lines: Some(self.lines),
            sources: self.sources,
            process: self.process.map(|process| process.to_string()),
            // `web.4k2m8r1t`, as the lines show it, is as good as its last part.
            instance: self.instance.map(|id| id.rsplit('.').next().unwrap_or_default().to_owned()),
            contains: self.search,
            statuses: self.statuses,
            since: self.since.map(|moment| moment.before(now)),
            until: self.until.map(|moment| moment.before(now)),
        }
    }
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let follow = args.follow;
    let query = args.query();
    if !follow {
        let lines = client.logs(&app, &query).await?;
        return invocation.printer.show(&lines, |view| render_all(view, &lines));
    }
    let mut column = Column::default();
    let mut lines = client.follow_logs(&app, &query, None);
    while let Some(line) = lines.next().await {
        let (_, line) = line?;
        // A view's time is that of the start, and this may be looked at for days.
        invocation
            .printer
            .item(&line, |view| column.render(&View { now: time::now(), ..*view }, &line))?;
    }
    Ok(())
}

fn render_all(view: &View, lines: &[LogLine]) -> String {
    let mut column = Column::default();
    for line in lines {
        column.fit(line);
    }
    lines.iter().map(|line| column.render(view, line)).collect()
}

/// The column of whence lines come, as wide as it had to be so far.
#[derive(Debug, Default)]
struct Column {
    width: usize,
}

/// `web.4k2m8r1t`, which most lines have.
const USUAL: usize = 12;

impl Column {
    fn fit(&mut self, line: &LogLine) {
        self.width = self.width.max(origin(line).chars().count());
    }

    /// `14:03:22 web.4k2m8r1t | listening on 8000`.
    fn render(&mut self, view: &View, line: &LogLine) -> String {
        self.width = self.width.max(USUAL);
        self.fit(line);
        let at = view.paint(Tone::Quiet, &moment(view, line));
        let from = format!("{:width$} |", origin(line), width = self.width);
        let from = view.paint(tone(line.source), &from);
        let text = match &line.request {
            Some(request) => render_request(view, request, line.instance.as_deref()),
            None => view.line(&line.text),
        };
        format!("{at} {from} {text}\n")
    }
}

/// Whence a line comes: `web.4k2m8r1t`, or the source where that is no instance.
fn origin(line: &LogLine) -> String {
    match (line.source, &line.process, &line.instance) {
        (LogSource::App | LogSource::Run, Some(process), Some(instance)) => {
            format!("{}.{}", word(process), word(instance))
        }
        (source, ..) => source.as_str().to_owned(),
    }
}

/// The time of day suffices for people who look at today's lines.
fn moment(view: &View, line: &LogLine) -> String {
    if view.terminal && time::date(view.now) == time::date(line.at) {
        time::of_day(line.at)
    } else {
        time::utc(line.at)
    }
}

/// `GET /cart 200 12 ms 5120 B by 4k2m8r1t for 203.0.113.9`.
fn render_request(view: &View, request: &LoggedRequest, instance: Option<&str>) -> String {
    let LoggedRequest { id: _, client, method, path, status, duration_ms, bytes } = request;
    let asked = format!("{} {}", word(method), word(path));
    let status = view.paint(status_tone(*status), &status.to_string());
    let by = instance.map_or_else(String::new, |instance| format!(" by {}", word(instance)));
    let rest = format!("{duration_ms} ms {bytes} B{by} for {}", word(client));
    format!("{asked} {status} {}", view.paint(Tone::Quiet, &rest))
}

fn status_tone(status: u16) -> Tone {
    match status / 100 {
        2 => Tone::Good,
        3 => Tone::Busy,
        4 => Tone::Doubtful,
        5 => Tone::Bad,
        _ => Tone::Plain,
    }
}

fn tone(source: LogSource) -> Tone {
    match source {
        LogSource::App => Tone::Good,
        LogSource::Build | LogSource::Release => Tone::Doubtful,
        LogSource::Run | LogSource::Platform => Tone::Busy,
        LogSource::Access => Tone::Quiet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, PLAIN, TERMINAL, minutes_ago, visible};

    fn request(status: u16, path: &str) -> LogLine {
        let request = LoggedRequest {
            id: "1767621802.123-7-1".to_owned(),
            client: "203.0.113.9".to_owned(),
            method: "GET".to_owned(),
            path: path.to_owned(),
            status,
            duration_ms: 12,
            bytes: 5120,
        };
        let instance = (status != 503).then(|| "4k2m8r1t".to_owned());
        let line = LogLine::new(NOW, LogSource::Access, request.to_string());
        LogLine { instance, request: Some(request), ..line }
    }

    fn lines() -> Vec<LogLine> {
        let line = |at, source, process: Option<&str>, text: &str| LogLine {
            process: process.map(str::to_owned),
            instance: process.map(|_| "4k2m8r1t".to_owned()),
            ..LogLine::new(at, source, text)
        };
        let hostile = "\x1b[32mGET\x1b[0m /cart 200\x1b]0;owned\x07";
        vec![
            line(minutes_ago(2_000), LogSource::Build, None, "-----> Installing 14 packages"),
            line(NOW, LogSource::App, Some("web"), hostile),
            line(NOW, LogSource::App, Some("mailer"), "sent 3"),
            line(NOW, LogSource::Platform, Some("worker"), "exited with 1; starts again in 2 s"),
            request(200, "/cart?id=7"),
            request(304, "/logo.svg"),
            request(404, "/wp-login.php\x1b[2J"),
            request(503, "/"),
            LogLine::new(NOW, LogSource::Access, "… 18230 access lines were dropped"),
        ]
    }

    #[test]
    fn lines_show_when_and_whence_they_came() {
        insta::assert_snapshot!("logs", visible(&render_all(&PLAIN, &lines())));
        insta::assert_snapshot!("logs_on_a_terminal", visible(&render_all(&TERMINAL, &lines())));
        insta::assert_json_snapshot!("logs_as_json", lines());
    }

    #[test]
    fn without_colours_a_terminal_sees_none() {
        let view = View { colour: false, ..TERMINAL };
        let text = render_all(&view, &lines());
        assert!(!text.contains('\x1b'), "{text}");
        assert!(text.contains("14:03:22 web.4k2m8r1t    | GET /cart 200^[]0;owned^G\n"), "{text}");
    }

    #[test]
    fn the_column_of_a_stream_grows_and_never_shrinks() {
        let mut column = Column::default();
        let [_, web, mailer, ..] = &lines()[..] else { panic!("there are more") };
        let mut width = |line| column.render(&PLAIN, line).find('|');
        let (first, second, third) = (width(web), width(mailer), width(web));
        assert!(first < second && second == third);
    }
}
