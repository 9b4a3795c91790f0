//! Probes every instance that serves traffic, from this host and over the container network.
//!
//! One task an instance asks it on a rhythm that depends on how it stands: every 25 ms when it has
//! just started, so that a deploy waits for nothing, and less often when it boots for long; every
//! 5 s once it is ready. The judgement is
//! [`slipway_core::health`]'s; this module only asks and remembers.

mod probe;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use slipway_core::health::{Health, Probe, Standing};
use slipway_core::id::InstanceId;
use slipway_store::clock;
use slipway_store::wakes::{Topic, Wakes};
use tokio_util::task::AbortOnDropHandle;

pub use self::probe::Question;

/// How often an instance is asked that has just started.
const STARTED: Duration = Duration::from_millis(25);
/// How often an instance is asked that still boots after `EAGER` questions.
const BOOTING: Duration = Duration::from_millis(100);
const EAGER: u32 = 120;
/// When a first pass is confirmed by a second.
const CONFIRM: Duration = Duration::from_millis(20);
/// How often a ready instance is asked.
const READY: Duration = Duration::from_secs(5);
/// How often an unready instance is asked: it should be back within 2 s of recovering.
const UNREADY: Duration = Duration::from_millis(500);

/// The health of every instance that is probed.
pub struct HealthBoard {
    entries: Arc<Mutex<BTreeMap<InstanceId, Entry>>>,
    wakes: Wakes,
}

struct Entry {
    health: Health,
    question: Question,
    /// Ends the probing when the entry goes.
    prober: AbortOnDropHandle<()>,
}

type Entries = Mutex<BTreeMap<InstanceId, Entry>>;

fn locked(entries: &Entries) -> MutexGuard<'_, BTreeMap<InstanceId, Entry>> {
    // A panic while it was held left counters at worst one probe old.
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HealthBoard {
    /// A board without instances; changes wake the reconciler through `wakes`.
    pub fn new(wakes: Wakes) -> Self {
        Self { entries: Arc::default(), wakes }
    }

    /// Probes this instance from now on. Asking something else of a known instance keeps its
    /// standing; a new one starts from `initial`.
    pub fn watch(&self, id: &InstanceId, question: Question, initial: Health) {
        let mut entries = locked(&self.entries);
        let health = match entries.get(id) {
            Some(entry) if entry.question == question => return,
            Some(entry) => entry.health.clone(),
            None => initial,
        };
        let probing = keep_probing(
            question.clone(),
            id.clone(),
            Arc::clone(&self.entries),
            self.wakes.clone(),
        );
        let prober = AbortOnDropHandle::new(tokio::spawn(probing));
        entries.insert(id.clone(), Entry { health, question, prober });
    }

    /// What is known of an instance.
    pub fn health(&self, id: &InstanceId) -> Option<Health> {
        locked(&self.entries).get(id).map(|entry| entry.health.clone())
    }

    /// Lets the judgement see where a process listens.
    pub fn record_listeners(&self, id: &InstanceId, listeners: &[std::net::SocketAddr], port: u16) {
        if let Some(entry) = locked(&self.entries).get_mut(id) {
            entry.health.record_listeners(listeners, port, clock::now());
        }
    }

    /// Its process ended: what was known of its health is void.
    pub fn reset(&self, id: &InstanceId, health: &Health) {
        if let Some(entry) = locked(&self.entries).get_mut(id) {
            entry.health.clone_from(health);
        }
    }

    /// Forgets every instance that is not among these.
    pub fn retain(&self, wanted: impl Fn(&InstanceId) -> bool) {
        locked(&self.entries).retain(|id, entry| {
            let keep = wanted(id);
            if !keep {
                entry.prober.abort();
            }
            keep
        });
    }
}

async fn keep_probing(question: Question, id: InstanceId, entries: Arc<Entries>, wakes: Wakes) {
    let mut asked = 0_u32;
    loop {
        asked = asked.saturating_add(1);
        let answer = probe::ask(&question).await;
        let passed = answer == Probe::Passed;
        let Some((changed, standing)) = record(&entries, &id, answer) else { return };
        if changed {
            wakes.notify(Topic::Instances);
        }
        tokio::time::sleep(match standing {
            Standing::Booting | Standing::Unready if passed => CONFIRM,
            Standing::Booting if asked < EAGER => STARTED,
            Standing::Booting => BOOTING,
            Standing::Ready => READY,
            Standing::Unready => UNREADY,
        })
        .await;
    }
}

fn record(entries: &Entries, id: &InstanceId, answer: Probe) -> Option<(bool, Standing)> {
    let mut entries = locked(entries);
    let health = &mut entries.get_mut(id)?.health;
    let changed = health.record(answer, clock::now());
    Some((changed, health.standing))
}
