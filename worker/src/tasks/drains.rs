//! Sends the apps' log lines to their drains: at least once, in order, from where each drain is.
//!
//! ```text
//!   log ──read on──▶ a page of lines ──send──▶ receiver
//!    ▲                                            │ taken
//!    └──── position, stored once it is taken ◀────┘
//! ```
//!
//! A drain that cannot be reached is tried again, ever more seldom. What it misses waits in the
//! log; what the log has removed by then is named with a line of its own.

mod door;
mod http;
mod receiver;
mod syslog;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use slipway_core::drain::DrainTarget;
use slipway_core::id::DrainId;
use slipway_core::log::{LogLine, LogSource};
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_store::logs::{LogPosition, LogStore};
use slipway_store::wakes::Topic;
use slipway_store::{Drain, DrainTrial, KeyRing, Store, clock};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::door::Door;
use self::receiver::{DrainError, Receiver};
use crate::context::{Host, Shared};
use crate::rounds::Task;

/// How long to wait for new lines before looking anyway.
const QUIET: Duration = Duration::from_millis(500);
/// About how much of the log is sent at once.
const PAGE_BYTES: usize = 128 * 1024;
/// How long a connection must stay in order for what was written to it to count as taken, where the
/// receiver says nothing. A position is stored at most this often.
const SETTLED: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long a test may take.
const TEST_DEADLINE: Duration = Duration::from_secs(10);

/// Keeps a follower for every drain, and does the tests that are asked for.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let door = Arc::new(Door::new(context.outbound.clone()));
    let mut followers: BTreeMap<DrainId, AbortOnDropHandle<()>> = BTreeMap::new();
    let mut tests: BTreeMap<(DrainId, Timestamp), AbortOnDropHandle<()>> = BTreeMap::new();
    let mut wake = context.store.wakes().subscribe(Topic::Drains);
    while !stop.is_cancelled() {
        match context.rounds.watch(Task::Drains, drains(&context.store)).await {
            Ok(drains) => {
                followers.retain(|id, task| {
                    drains.iter().any(|(drain, _)| drain.id == *id) && !task.is_finished()
                });
                tests.retain(|_, task| !task.is_finished());
                for (drain, app) in drains {
                    let open = Delivery::new(&context, &door, drain.clone(), app);
                    if let Some(DrainTrial { asked_at, outcome: None }) = drain.test {
                        let test =
                            || AbortOnDropHandle::new(tokio::spawn(open.clone().test(asked_at)));
                        tests.entry((drain.id.clone(), asked_at)).or_insert_with(test);
                    }
                    let follow = || AbortOnDropHandle::new(tokio::spawn(open.follow()));
                    followers.entry(drain.id).or_insert_with(follow);
                }
            }
            Err(error) => tracing::warn!(%error, "could not read the drains"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.wait(context.store.patience()) => {}
        }
    }
}

/// Every drain with the name of its app.
async fn drains(store: &Store) -> anyhow::Result<Vec<(Drain, AppName)>> {
    let mut named = Vec::new();
    for drain in store.all_drains().await? {
        if let Some(app) = store.app_by_id(&drain.app_id).await? {
            named.push((drain, app.name));
        }
    }
    Ok(named)
}

/// One drain, and what delivering to it takes.
#[derive(Clone)]
struct Delivery {
    store: Store,
    logs: LogStore,
    keys: KeyRing,
    door: Arc<Door>,
    drain: Drain,
    app: AppName,
}

impl Delivery {
    fn new<H: Host>(context: &Shared<H>, door: &Arc<Door>, drain: Drain, app: AppName) -> Self {
        Self {
            store: context.store.clone(),
            logs: context.logs.clone(),
            keys: context.keys.clone(),
            door: Arc::clone(door),
            drain,
            app,
        }
    }

    /// Delivers until the task is dropped.
    async fn follow(self) {
        let target = match self.drain.target(&self.keys) {
            Ok(target) => target,
            Err(error) => return self.note_failure(&error.to_string()).await,
        };
        let mut progress = Progress::new(self.drain.position);
        let mut pause = FIRST_PAUSE;
        loop {
            let before = progress.taken;
            let error = self.deliver(&target, &mut progress).await;
            if progress.taken != before {
                pause = FIRST_PAUSE;
            }
            tracing::debug!(drain_id = %self.drain.id, %error, "a drain does not take lines");
            self.note_failure(&error.to_string()).await;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Delivers over one connection, from where the last one came to; why it ended.
    async fn deliver(&self, target: &DrainTarget, progress: &mut Progress) -> DrainError {
        progress.rewind();
        match self.try_deliver(target, progress).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_deliver(
        &self,
        target: &DrainTarget,
        progress: &mut Progress,
    ) -> Result<Infallible, DrainError> {
        let filter = self.drain.filter();
        let mut wake = self.store.wakes().subscribe(Topic::Logs);
        let mut receiver: Option<Receiver> = None;
        loop {
            if let Some(receiver) = &mut receiver {
                receiver.check()?;
            }
            if progress.settle(Instant::now()) {
                self.store.note_delivered(&self.drain.id, progress.taken).await?;
            }
            let app_id = &self.drain.app_id;
            let page = self.logs.read_all(app_id, progress.sent, PAGE_BYTES, &filter).await?;
            let mut lines = Vec::with_capacity(page.lines.len() + 1);
            lines.extend(page.truncated.then(missing));
            lines.extend(page.lines.into_iter().map(|(_, line)| line));
            if lines.is_empty() {
                progress.sent = page.next;
                if !page.more {
                    wake.wait(QUIET).await;
                }
                continue;
            }
            let receiver = match &mut receiver {
                Some(receiver) if !receiver.is_spent() => receiver,
                // Only now that there is something to say: a receiver that is seldom needed is not
                // held open.
                slot => slot.insert(Receiver::open(&self.door, target).await?),
            };
            receiver.send(&self.app, &lines).await?;
            progress.sent(page.next, Instant::now(), receiver.confirms());
        }
    }

    /// Sends one line over a connection of its own, and stores what came of it.
    async fn test(self, asked_at: Timestamp) {
        let outcome = match timeout(TEST_DEADLINE, self.try_test()).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("it did not take the line in time".to_owned()),
        };
        if let Err(error) = self.store.end_drain_test(&self.drain.id, asked_at, &outcome).await {
            tracing::warn!(%error, "could not note what came of a drain's test");
        }
    }

    async fn try_test(&self) -> Result<(), DrainError> {
        let target = self.drain.target(&self.keys)?;
        let mut receiver = Receiver::open(&self.door, &target).await?;
        let text = format!("a line to test the drain {}", self.drain.id);
        receiver.send(&self.app, &[LogLine::new(clock::now(), LogSource::Platform, text)]).await?;
        if !receiver.confirms() {
            sleep(SETTLED).await;
            receiver.check()?;
        }
        Ok(())
    }

    async fn note_failure(&self, message: &str) {
        if let Err(error) = self.store.note_drain_failure(&self.drain.id, message).await {
            tracing::warn!(%error, "could not note a drain's failure");
        }
    }
}

/// A word about lines that the log had removed before they could be sent.
fn missing() -> LogLine {
    let text = "… some lines are missing here: the log removed them before they could be sent";
    LogLine::new(clock::now(), LogSource::Platform, text)
}

/// How far a drain has come.
#[derive(Debug)]
struct Progress {
    /// What the receiver has for certain.
    taken: LogPosition,
    /// What was handed to the connection.
    sent: LogPosition,
    /// What was handed over and is not certain yet, with when that was.
    unsettled: VecDeque<(Instant, LogPosition)>,
    /// When `taken` was stored last, and whether it has moved since.
    stored_at: Option<Instant>,
    moved: bool,
}

impl Progress {
    fn new(taken: LogPosition) -> Self {
        let unsettled = VecDeque::new();
        Self { taken, sent: taken, unsettled, stored_at: None, moved: false }
    }

    /// What is not certain is sent again.
    fn rewind(&mut self) {
        self.unsettled.clear();
        self.sent = self.taken;
    }

    fn sent(&mut self, position: LogPosition, now: Instant, confirmed: bool) {
        self.sent = position;
        if confirmed {
            self.taken = position;
            self.moved = true;
        } else {
            self.unsettled.push_back((now, position));
        }
    }

    /// Counts as taken what has been out for long enough; whether it is time to store that.
    fn settle(&mut self, now: Instant) -> bool {
        while let Some((at, position)) = self.unsettled.front()
            && now.duration_since(*at) >= SETTLED
        {
            self.taken = *position;
            self.moved = true;
            self.unsettled.pop_front();
        }
        let due = self.stored_at.is_none_or(|at| now.duration_since(at) >= SETTLED);
        let store = self.moved && due;
        if store {
            (self.moved, self.stored_at) = (false, Some(now));
        }
        store
    }
}
