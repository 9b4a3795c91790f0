//! Which release plays which part while a rollout is on its way.

use super::world::{Phase, Replica, Stage, Target, World};
use crate::name::ProcessName;
use crate::time::{Millis, Timestamp};

/// How long the instances of a failed first deployment are kept for a look.
const LINGER: Millis = Millis::from_secs(10 * 60);

/// A release in a role, and which instances of its content are its own in it.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) target: &'a Target,
    /// Those that were made for this release are not.
    except: Option<&'a Target>,
    /// Nor are those that were condemned before this time. What was missing then may be there now.
    afresh_since: Option<Timestamp>,
}

/// Which release plays which part at this moment.
#[derive(Default)]
pub(super) struct Roles<'a> {
    /// Belongs in the proxy.
    pub(super) front: Option<Part<'a>>,
    /// Comes up beside it.
    pub(super) incoming: Option<Part<'a>>,
    /// Stays as it is, in case the switch cannot be confirmed.
    pub(super) held: Option<Part<'a>>,
    /// Goes out of the proxy and stays warm until then.
    pub(super) warm: Option<(Part<'a>, Timestamp)>,
}

impl<'a> Part<'a> {
    pub(super) fn of(target: &'a Target) -> Self {
        Self { target, except: None, afresh_since: None }
    }

    fn afresh(target: &'a Target, since: Timestamp) -> Self {
        Self { target, except: None, afresh_since: Some(since) }
    }

    pub(super) fn without(target: &'a Target, other: &'a Target) -> Self {
        let same = other.content == target.content && other.not_before == target.not_before;
        Self { target, except: (!same).then_some(other), afresh_since: None }
    }

    /// Of two releases of equal content, each has what was made for it. What was not made for the other
    /// one counts here, however new it is: else nobody would be left to serve meanwhile.
    pub(super) fn admits(&self, replica: &Replica) -> bool {
        let is_others =
            |other: &Target| replica.release_id == other.release_id && other.admits(replica);
        let is_written_off =
            |since: Timestamp| replica.created_at < since && replica.is_condemned();
        self.target.admits(replica)
            && !self.except.is_some_and(is_others)
            && !self.afresh_since.is_some_and(is_written_off)
    }

    /// Its active replicas of one process.
    pub(super) fn active<'w>(
        self,
        world: &'w World,
        process: &'w ProcessName,
    ) -> impl Iterator<Item = &'w Replica> + use<'w, 'a> {
        world.replicas.iter().filter(move |replica| {
            replica.phase == Phase::Active && replica.process == *process && self.admits(replica)
        })
    }

    /// Whether every process has its wanted count ready.
    pub(super) fn all_ready(self, world: &World) -> bool {
        self.target.processes.keys().all(|process| {
            let ready = self.active(world, process).filter(|r| r.is_ready()).count();
            ready >= world.wanted(process)
        })
    }
}

impl<'a> Roles<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        let serving = world.serving.as_ref();
        let Some(rollout) = &world.rollout else {
            return Self { front: serving.map(Part::of), ..Self::default() };
        };
        let target = &rollout.target;
        let previous = rollout.previous.as_ref();
        match rollout.stage {
            Stage::Starting => Self {
                front: serving.map(|serving| Part::without(serving, target)),
                incoming: Some(Part::afresh(target, rollout.since)),
                ..Self::default()
            },
            Stage::Switching => Self {
                front: Some(Part::of(target)),
                held: previous.map(|previous| Part::without(previous, target)),
                ..Self::default()
            },
            Stage::Observing => Self {
                front: Some(Part::of(target)),
                warm: previous.map(|previous| {
                    (Part::without(previous, target), rollout.since + rollout.observe)
                }),
                ..Self::default()
            },
            Stage::Reverting => {
                let back = previous.map(|previous| Part::without(previous, target));
                match back {
                    Some(back) if back.all_ready(world) => {
                        Self { front: Some(back), ..Self::default() }
                    }
                    back => {
                        Self { front: Some(Part::of(target)), incoming: back, ..Self::default() }
                    }
                }
            }
        }
    }

    pub(super) fn serves(&self, replica: &Replica) -> bool {
        [self.front, self.incoming, self.held].iter().flatten().any(|part| part.admits(replica))
    }

    /// A failed first deployment's instances stay for a look until something else is deployed.
    pub(super) fn lingers(&self, replica: &Replica, now: Timestamp) -> bool {
        let alone = self.front.is_none() && self.incoming.is_none();
        alone && now.since(replica.created_at) < LINGER
    }

    /// Only what answers requests is worth keeping warm: a second set of workers would work.
    pub(super) fn warm_until(&self, replica: &Replica) -> Option<Timestamp> {
        let (part, until) = self.warm?;
        let proxied = part.target.proxied(&replica.process);
        (part.admits(replica) && proxied && replica.is_ready()).then_some(until)
    }

    /// A newer rollout that has no use for a warm instance needs its memory.
    pub(super) fn cuts_short(&self, replica: &Replica) -> bool {
        self.incoming.is_some_and(|incoming| !incoming.admits(replica))
    }

    pub(super) fn drain_limit(&self, replica: &Replica) -> Millis {
        let parts = [self.front, self.incoming, self.held, self.warm.map(|(part, _)| part)];
        let mut targets = parts.into_iter().flatten().map(|part| part.target);
        let own = targets.find(|target| target.content == replica.content);
        own.or(self.front.map(|part| part.target)).map_or(Millis::from_secs(30), |t| t.drain)
    }
}
