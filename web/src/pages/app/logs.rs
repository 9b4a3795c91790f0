//! An app's log: what it wrote last, and what it writes.

use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use axum::response::sse::Event;
use serde::{Deserialize, Serialize};
use slipway_client::LogQuery;
use slipway_core::log::{LogLine, LogSource};

use crate::failure::Failure;
use crate::pages::app::named;
use crate::relay::{After, event, relay};
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::moment::Moment;
use crate::view::sgr::{Segment, segments};
use crate::view::terminal::plain;
use crate::visit::{Page, Visit};

const LINES_SHOWN: u32 = 500;
const LINES_DOWNLOADED: u32 = 10_000;

/// The newest lines, and the form that narrows them.
#[derive(Debug, Serialize)]
pub struct LogsPage {
    pub head: AppHead,
    pub lines: Vec<LogRow>,
    pub filters: Filters,
    sources: Vec<&'static str>,
    pub processes: Vec<String>,
    pub instances: Vec<String>,
}

/// A line of the log.
#[derive(Debug, Serialize)]
pub struct LogRow {
    kind: &'static str,
    /// Of the day, in UTC.
    time: String,
    /// Who wrote it: `web.4k2m9x7q`, or the source.
    origin: String,
    pieces: Vec<Segment>,
}

impl From<LogLine> for LogRow {
    fn from(line: LogLine) -> Self {
        Self {
            kind: line.source.as_str(),
            time: time(&line),
            origin: origin(&line),
            pieces: segments(&line.text),
        }
    }
}

fn time(line: &LogLine) -> String {
    Moment::new(line.at, line.at).time
}

fn origin(line: &LogLine) -> String {
    match (&line.process, &line.instance) {
        (Some(process), Some(instance)) => plain(&format!("{process}.{instance}")),
        (Some(process), None) => plain(process),
        (None, _) => line.source.as_str().to_owned(),
    }
}

/// What to show, as the form says it: an empty field narrows nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    source: String,
    process: String,
    instance: String,
    contains: String,
}

impl Filters {
    fn query(&self, lines: u32) -> LogQuery {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        LogQuery {
            lines: Some(lines),
            sources: self.source.parse().into_iter().collect(),
            process: given(&self.process),
            instance: given(&self.instance),
            contains: given(&self.contains),
            ..LogQuery::default()
        }
    }
}

impl View for LogsPage {
    const TEMPLATE: &'static str = "app_logs.html";
}

/// Shows the newest lines.
pub async fn show(
    mut visit: Visit,
    Path(name): Path<String>,
    Query(filters): Query<Filters>,
) -> Response {
    let page = load(&mut visit, &name, filters).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, name: &str, filters: Filters) -> Result<Page<LogsPage>, Failure> {
    let name = named(name)?;
    let query = filters.query(LINES_SHOWN);
    let (app, lines, instances, status) = visit
        .ask(|client| {
            let (name, query) = (name.clone(), query.clone());
            async move {
                tokio::try_join!(
                    client.app(&name),
                    client.logs(&name, &query),
                    client.instances(&name),
                    client.status(),
                )
            }
        })
        .await?;
    let view = LogsPage {
        lines: lines.into_iter().map(LogRow::from).collect(),
        filters,
        sources: LogSource::ALL.map(LogSource::as_str).into(),
        processes: app.processes.iter().map(|process| process.name.to_string()).collect(),
        instances: instances.into_iter().map(|instance| instance.short).collect(),
        head: AppHead::new(app.summary, Tab::Logs, status.now),
    };
    Ok(Page { view, status, refresh_s: None })
}

/// Streams the newest lines and all that are written from now on.
pub async fn stream(
    mut visit: Visit,
    Path(name): Path<String>,
    Query(filters): Query<Filters>,
    Query(after): Query<After>,
    headers: HeaderMap,
) -> Response {
    let resume = after.resume(&headers);
    // Renews the session, and finds out whether there is such an app, before the stream begins.
    let app = async {
        let name = named(&name)?;
        let app = visit.ask(|client| {
            let name = name.clone();
            async move { client.app(&name).await }
        });
        app.await?;
        Ok::<_, Failure>(name)
    };
    match app.await {
        Err(failure) => visit.lead(Err(failure)),
        Ok(app) => {
            let query = filters.query(LINES_SHOWN);
            let updates = visit.client().follow_logs_and_positions(&app, &query, resume);
            visit.keep(relay(updates, |batch| vec![translate(batch)]))
        }
    }
}

/// The lines of a batch (`lines`), or how far it came without one (`position`).
fn translate(batch: Vec<(Option<String>, Option<LogLine>)>) -> Event {
    let last = batch.last().and_then(|(id, _)| id.clone());
    let lines = batch.into_iter().filter_map(|(_, line)| line);
    let rows: Vec<LogRow> = lines.map(LogRow::from).collect();
    if rows.is_empty() {
        event("position", last.as_deref(), &())
    } else {
        event("lines", last.as_deref(), &rows)
    }
}

/// Sends the newest lines as a file.
pub async fn download(
    mut visit: Visit,
    Path(name): Path<String>,
    Query(filters): Query<Filters>,
) -> Response {
    match text(&mut visit, &name, &filters).await {
        Ok(text) => {
            let named = format!("attachment; filename=\"{name}.log\"");
            let headers = [
                (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
                (CONTENT_DISPOSITION, named),
            ];
            visit.keep((headers, text))
        }
        Err(failure) => visit.lead(Err(failure)),
    }
}

async fn text(visit: &mut Visit, name: &str, filters: &Filters) -> Result<String, Failure> {
    let name = named(name)?;
    let query = filters.query(LINES_DOWNLOADED);
    let lines = visit
        .ask(|client| {
            let (name, query) = (name.clone(), query.clone());
            async move { client.logs(&name, &query).await }
        })
        .await?;
    let mut text = String::new();
    for line in lines {
        let at = Moment::new(line.at, line.at).machine;
        text.extend([&at, " ", &origin(&line), " ", &plain(&line.text), "\n"]);
    }
    Ok(text)
}
