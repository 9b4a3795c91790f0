//! What the reconciler remembers of each instance between looks. All of it may be lost.

use std::collections::BTreeMap;

use slipway_core::id::{AppId, InstanceId};
use slipway_core::instance::Exit;
use slipway_core::reason::Reason;
use slipway_core::time::{Millis, Timestamp};

/// One instance's memory.
#[derive(Debug, Clone, Default)]
pub struct Local {
    pub app_id: Option<AppId>,
    /// When its process was first seen running.
    pub started: Option<Timestamp>,
    /// The engine's count of restarts when the instance first was ready.
    pub crashes_when_ready: Option<u32>,
    /// The newest end of its process that was seen.
    pub last_exit: Option<Exit>,
    /// Ends by itself, as last seen.
    pub crashes: u32,
    /// Whether it has still to become ready.
    pub booting: bool,
    /// Why it will not become ready.
    pub verdict: Option<Reason>,
    /// How often its start was refused.
    pub refusals: u32,
    /// When the start may be tried again.
    pub again_at: Timestamp,
}

/// Longest pause between two tries to start an instance, in seconds.
const LONGEST_PAUSE_S: u64 = 60;

impl Local {
    /// Its start was refused: a verdict for a deployment that waits for it, a pause for everybody else.
    pub fn refuse(&mut self, reason: Reason, now: Timestamp) {
        self.verdict = Some(reason);
        self.started = None;
        self.refusals = self.refusals.saturating_add(1);
        let seconds = 1_u64.checked_shl(self.refusals).unwrap_or(LONGEST_PAUSE_S);
        self.again_at = now + Millis::from_secs(seconds.min(LONGEST_PAUSE_S));
    }

    /// Whether its start may be tried. A refusal is final for a deployment; but what serves is to come
    /// back when the cause has passed, as a full disk does.
    pub fn may_start(&mut self, is_judged: bool, now: Timestamp) -> bool {
        if self.verdict.is_some() && (is_judged || now < self.again_at) {
            return false;
        }
        self.verdict = None;
        true
    }
}

/// The memory of all instances.
#[derive(Debug, Default)]
pub struct Locals {
    entries: BTreeMap<InstanceId, Local>,
}

impl Locals {
    /// One instance's memory, made when it is new.
    pub fn of(&mut self, id: &InstanceId, app_id: &AppId) -> &mut Local {
        let entry = self.entries.entry(id.clone()).or_default();
        entry.app_id.get_or_insert_with(|| app_id.clone());
        entry
    }

    /// One instance's memory, if there is any.
    pub fn get(&self, id: &InstanceId) -> Option<&Local> {
        self.entries.get(id)
    }

    /// Whether any instance of the app has still to become ready.
    pub fn any_booting(&self, app_id: &AppId) -> bool {
        self.entries.values().any(|local| local.booting && local.app_id.as_ref() == Some(app_id))
    }

    /// Forgets every instance that is not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&InstanceId) -> bool) {
        self.entries.retain(|id, _| wanted(id));
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::reason::ReasonCode;

    use super::*;

    #[test]
    fn a_refused_start_is_tried_again_ever_later_unless_a_deployment_waits_for_it() {
        let mut local = Local::default();
        assert!(local.may_start(true, Timestamp(0)));
        let reason = || Reason::new(ReasonCode::Exited, "no space left on device");
        local.refuse(reason(), Timestamp(0));
        assert!(!local.may_start(true, Timestamp(100_000)), "the deployment has failed");
        assert!(!local.may_start(false, Timestamp(1_999)));
        assert!(local.verdict.is_some());
        assert!(local.may_start(false, Timestamp(2_000)));
        assert_eq!(local.verdict, None);
        local.refuse(reason(), Timestamp(2_000));
        assert!(!local.may_start(false, Timestamp(5_999)));
        for _ in 0..80 {
            local.refuse(reason(), Timestamp(0));
        }
        assert!(local.may_start(false, Timestamp(60_000)), "a minute at most");
    }
}
