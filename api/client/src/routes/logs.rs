//! Log lines.

use slipway_core::log::{LogLine, LogSource, StatusPattern};
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;
use crate::follow::Updates;

/// Where to look for older lines, in an answer.
const BEFORE: &str = "slipway-log-before";

/// Which lines; everything that is not said is not narrowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// How many of the newest lines; the server's own number, when not said.
    pub lines: Option<u32>,
    /// Any of these.
    pub sources: Vec<LogSource>,
    /// A process type: `web`.
    pub process: Option<String>,
    /// An instance's short id.
    pub instance: Option<String>,
    /// A text that the line contains, whatever its case.
    pub contains: Option<String>,
    /// Requests with any of these statuses, and nothing else.
    pub statuses: Vec<StatusPattern>,
    /// Of this moment and later.
    pub since: Option<Timestamp>,
    /// Of before this moment.
    pub until: Option<Timestamp>,
}

impl LogQuery {
    fn call(&self, app: &AppName) -> Call {
        Call::get(&["v1", "apps", app.as_str(), "logs"])
            .query("source", several(&self.sources, |source| source.as_str().to_owned()))
            .query("process", self.process.as_deref())
            .query("instance", self.instance.as_deref())
            .query("contains", self.contains.as_deref())
            .query("status", several(&self.statuses, StatusPattern::to_string))
            .query("since", self.since.map(|at| at.0))
            .query("until", self.until.map(|at| at.0))
    }

    fn stream(&self, app: &AppName) -> Call {
        self.call(app).query("lines", self.lines).query("follow", Some(true))
    }
}

fn several<T>(values: &[T], text: impl Fn(&T) -> String) -> Option<String> {
    let texts: Vec<String> = values.iter().map(text).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

impl Client {
    /// The newest lines of an app's log, oldest first. Asks as often as the server needs to give
    /// as many as were asked for.
    pub async fn logs(&self, app: &AppName, query: &LogQuery) -> Result<Vec<LogLine>, ClientError> {
        let call = query.call(app).header("accept", "application/json");
        let mut before: Option<String> = None;
        let mut lines: Vec<LogLine> = Vec::new();
        loop {
            let got = u32::try_from(lines.len()).unwrap_or(u32::MAX);
            let wanted = query.lines.map(|wanted| wanted.saturating_sub(got));
            let call = call.clone().query("lines", wanted).query("before", before.as_deref());
            let (older, page): (_, Vec<LogLine>) = self.fetch_with(call, BEFORE).await?;
            lines.splice(..0, page);
            before = older;
            let enough = query.lines.is_none_or(|wanted| lines.len() >= wanted as usize);
            if enough || before.is_none() {
                return Ok(lines);
            }
        }
    }

    /// The newest lines of an app's log, or those after an id of an earlier stream, and every line
    /// that is written from now on.
    pub fn follow_logs(
        &self,
        app: &AppName,
        query: &LogQuery,
        resume: Option<String>,
    ) -> Updates<LogLine> {
        self.follow(query.stream(app), resume, |_| false)
    }

    /// The same, with ids up to which no line fits the query, for whoever passes the stream on.
    pub fn follow_logs_and_positions(
        &self,
        app: &AppName,
        query: &LogQuery,
        resume: Option<String>,
    ) -> Updates<Option<LogLine>> {
        self.follow_closely(query.stream(app), resume, |_| false)
    }
}
