//! Following a deployment until it is live or has ended.

use std::collections::VecDeque;
use std::time::Duration;

use slipway_core::deployment::Deployment;
use slipway_core::id::{AppId, DeploymentId, Id as _};
use slipway_core::log::LogLine;
use slipway_core::name::AppName;
use slipway_core::wire::deployment::DeploymentUpdate;
use slipway_store::{Topic, Wake};
use tokio::time::{Instant, sleep};

use crate::error::ApiError;
use crate::live::sse::{Reader, StreamEnd};
use crate::state::ApiState;
use crate::view;

/// How long to wait for a hint before looking anyway.
const POLL: Duration = Duration::from_millis(100);
/// How long the concluding line may come after the state that it concludes.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long an outage is sat out.
const PATIENCE: Duration = Duration::from_mins(1);
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of the log read at a time.
const PAGE_BYTES: usize = 256 * 1024;

/// What comes next of a deployment.
#[derive(Debug)]
pub enum Step {
    /// A line, with the position behind it.
    Line { position: u64, text: String },
    /// It is in another state than before, or this is the first look.
    Moved(Box<Deployment>),
    /// It is live or has ended, and every line of it was given out.
    Done(Box<Deployment>),
}

/// What one look found.
enum Look {
    /// Something, or there may be more at once.
    More,
    Nothing,
    Done(Box<Deployment>),
}

/// Reads a deployment's lines and states in order.
pub struct Follower {
    state: ApiState,
    id: DeploymentId,
    app_id: AppId,
    position: u64,
    last: Option<Deployment>,
    ready: VecDeque<Step>,
    /// When it was first seen live or ended.
    done_at: Option<Instant>,
    concluded: bool,
    /// Since when the database or the log cannot be read.
    outage: Option<Instant>,
    lines: Wake,
    events: Wake,
}

impl Follower {
    /// From the deployment's first line, or after a position of an earlier stream.
    pub fn new(state: &ApiState, deployment: &Deployment, resume: Option<u64>) -> Self {
        Self {
            lines: state.store.wakes().subscribe(Topic::Logs),
            events: state.store.wakes().subscribe(Topic::Events),
            state: state.clone(),
            id: deployment.id.clone(),
            app_id: deployment.app_id.clone(),
            position: resume.unwrap_or(0).max(deployment.log_start),
            last: None,
            ready: VecDeque::new(),
            done_at: None,
            concluded: false,
            outage: None,
        }
    }

    /// Where the log was read up to.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next step; waits for it. Nothing comes after [`Step::Done`].
    ///
    /// # Errors
    /// When the deployment is gone with its app, or the database or the log cannot be read for a
    /// minute: the deployment goes on meanwhile, so a short outage is sat out.
    pub async fn next(&mut self) -> Result<Step, ApiError> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(step);
            }
            match self.look().await {
                Ok(Look::More) => self.outage = None,
                Ok(Look::Done(deployment)) => return Ok(Step::Done(deployment)),
                Ok(Look::Nothing) => {
                    self.outage = None;
                    self.pause().await;
                }
                Err(error) if may_pass(&error) && self.has_patience() => {
                    tracing::warn!(%error, "could not look at a deployment");
                    sleep(OUTAGE_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks once, and queues what is new.
    async fn look(&mut self) -> Result<Look, ApiError> {
        // The state is looked at before the lines: all lines of a state are read with it.
        let deployment = self.load().await?;
        let more = self.read_lines().await?;
        if self.last.as_ref().is_none_or(|last| last.state != deployment.state) {
            self.ready.push_back(Step::Moved(Box::new(deployment.clone())));
            self.last = Some(deployment.clone());
        }
        let is_done = deployment.state.is_live() || deployment.state.is_terminal();
        Ok(if more || !self.ready.is_empty() {
            Look::More
        } else if is_done && self.has_last_words() {
            Look::Done(Box::new(deployment))
        } else {
            Look::Nothing
        })
    }

    fn has_patience(&mut self) -> bool {
        self.outage.get_or_insert_with(Instant::now).elapsed() < PATIENCE
    }

    async fn load(&self) -> Result<Deployment, ApiError> {
        let found = self.state.store.deployment(&self.id).await?;
        found.ok_or_else(|| ApiError::not_found("deployment", self.id.as_str()))
    }

    /// Queues the lines of one page; whether there may be more.
    async fn read_lines(&mut self) -> Result<bool, ApiError> {
        let page = self.state.logs.read(&self.app_id, self.position, PAGE_BYTES).await?;
        let more = page.next > self.position;
        self.position = page.next;
        for (position, line) in page.lines {
            if line.deployment.as_deref() == Some(self.id.as_str()) {
                self.concluded |= concludes(&line);
                self.ready.push_back(Step::Line { position, text: line.text });
            }
        }
        Ok(more)
    }

    fn has_last_words(&mut self) -> bool {
        let since = *self.done_at.get_or_insert_with(Instant::now);
        self.concluded || since.elapsed() >= LAST_WORDS
    }

    async fn pause(&mut self) {
        tokio::select! {
            () = self.lines.wait(POLL) => {}
            () = self.events.wait(POLL) => {}
        }
    }
}

/// Whether an outage of ours is in the way, and not the deployment's end.
fn may_pass(error: &ApiError) -> bool {
    matches!(error, ApiError::Busy { .. } | ApiError::Internal(_))
}

/// Whether a line is among the last of a deployment, which are written in one piece: the
/// conclusion of one that is live, the hint of one that failed.
fn concludes(line: &LogLine) -> bool {
    line.text.starts_with("=====> ") || line.text.starts_with(" !     hint: ")
}

/// Sends a deployment to a reader of events.
///
/// # Errors
/// When the reader goes, or the deployment cannot be followed.
pub async fn send(app: AppName, mut follower: Follower, reader: Reader) -> Result<(), StreamEnd> {
    loop {
        let step = follower.next().await?;
        let position = follower.position();
        let describe = async |deployment: Deployment| {
            view::deployment::describe(&follower.state, &app, deployment).await.map(Box::new)
        };
        match step {
            Step::Line { position, text } => {
                reader.send(position, &DeploymentUpdate::Line { text }).await?;
            }
            Step::Moved(deployment) => {
                let deployment = describe(*deployment).await?;
                reader.send(position, &DeploymentUpdate::Moved { deployment }).await?;
            }
            Step::Done(deployment) => {
                let deployment = describe(*deployment).await?;
                return Ok(reader.send(position, &DeploymentUpdate::Done { deployment }).await?);
            }
        }
    }
}
