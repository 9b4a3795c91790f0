//! What the reconciler remembers of each instance between looks. All of it may be lost.

use std::collections::BTreeMap;

use slipway_core::id::{AppId, InstanceId};
use slipway_core::instance::Exit;
use slipway_core::reason::Reason;
use slipway_core::time::Timestamp;

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
