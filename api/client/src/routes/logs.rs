//! Log lines.

use slipway_core::log::{LogLine, LogSource};
use slipway_core::name::AppName;

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;
use crate::follow::Updates;

/// Which lines; everything that is not said is not narrowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// How many of the newest lines; the server's own number, when not said.
    pub lines: Option<u32>,
    pub source: Option<LogSource>,
    /// A process type: `web`.
    pub process: Option<String>,
    /// An instance's short id.
    pub instance: Option<String>,
    /// A text that the line contains.
    pub contains: Option<String>,
}

impl LogQuery {
    fn call(&self, app: &AppName) -> Call {
        Call::get(&["v1", "apps", app.as_str(), "logs"])
            .query("lines", self.lines)
            .query("source", self.source.map(LogSource::as_str))
            .query("process", self.process.as_deref())
            .query("instance", self.instance.as_deref())
            .query("contains", self.contains.as_deref())
    }
}

impl Client {
    /// The newest lines of an app's log, oldest first.
    pub async fn logs(&self, app: &AppName, query: &LogQuery) -> Result<Vec<LogLine>, ClientError> {
        self.fetch(query.call(app).header("accept", "application/json")).await
    }

    /// The newest lines of an app's log, or those after an id of an earlier stream, and every line
    /// that is written from now on.
    pub fn follow_logs(
        &self,
        app: &AppName,
        query: &LogQuery,
        resume: Option<String>,
    ) -> Updates<LogLine> {
        self.follow(query.call(app).query("follow", Some(true)), resume, |_| false)
    }
}
