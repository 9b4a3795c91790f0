//! A deployment's lines, in the grammar that every reader of push output knows.
//!
//! ```text
//! -----> a step          ` !     ` a warning
//!        its detail      =====> the conclusion
//! ```

use slipway_core::id::{AppId, DeploymentId};
use slipway_core::log::{LogLine, LogSource};
use slipway_core::reason::Reason;
use slipway_store::clock;
use slipway_store::logs::LogStore;

/// Writes the lines of one deployment to its app's log.
#[derive(Clone)]
pub struct Announcer {
    logs: LogStore,
    app_id: AppId,
    deployment_id: DeploymentId,
}

impl Announcer {
    /// For the lines of this deployment.
    pub fn new(logs: LogStore, app_id: AppId, deployment_id: DeploymentId) -> Self {
        Self { logs, app_id, deployment_id }
    }

    /// A step begins.
    pub fn step(&self, text: &str) {
        self.line(LogSource::Platform, format!("-----> {text}"));
    }

    /// Something about the step under way.
    pub fn detail(&self, text: &str) {
        self.line(LogSource::Platform, format!("       {text}"));
    }

    /// Something that needs attention.
    pub fn warning(&self, text: &str) {
        self.line(LogSource::Platform, format!(" !     {text}"));
    }

    /// It is done.
    pub fn conclusion(&self, text: &str) {
        self.line(LogSource::Platform, format!("=====> {text}"));
    }

    /// Lines of another program, in the grammar already.
    pub fn output(&self, source: LogSource, lines: Vec<String>) {
        let lines: Vec<LogLine> =
            lines.into_iter().map(|text| self.compose(source, text)).collect();
        self.append(&lines);
    }

    /// The end of a deployment that failed: what happened, its last words, what to do.
    pub fn failure(&self, headline: &str, reason: &Reason) {
        let mut lines = vec![
            String::new(),
            format!(" !     {headline}"),
            format!(" !     {}: {}", reason.code.as_str(), reason.message),
        ];
        if !reason.last_lines.is_empty() {
            lines.push(" !     its last lines:".to_owned());
            lines.extend(reason.last_lines.iter().map(|line| format!("       {line}")));
        }
        lines.push(format!(" !     hint: {}", reason.code.hint()));
        self.output(LogSource::Platform, lines);
    }

    fn line(&self, source: LogSource, text: String) {
        self.append(&[self.compose(source, text)]);
    }

    fn compose(&self, source: LogSource, text: String) -> LogLine {
        let deployment = Some(self.deployment_id.to_string());
        LogLine { deployment, ..LogLine::new(clock::now(), source, text) }
    }

    fn append(&self, lines: &[LogLine]) {
        // A full disk must not stop a deployment: the lines are lost, the deployment is not.
        if let Err(error) = self.logs.append(&self.app_id, lines) {
            tracing::warn!(app_id = %self.app_id, %error, "could not write log lines");
        }
    }
}
