//! The machine as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::level::Level;
use super::measured::{self, Measured};
use super::part::{Cpu, Room};
use crate::time::Millis;

/// What the host did in an interval: not the sum of the apps, but all that runs on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HostSample {
    /// How long the interval was.
    #[serde(rename = "ms")]
    pub span: Millis,
    /// Of all its cores.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Measured<Cpu>>,
    /// What is not available to a new program.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Measured<Room>>,
    /// Its file systems that Slipway fills: `data` and `docker`, one of them where they are the same.
    #[serde(rename = "d", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disks: BTreeMap<String, Measured<Room>>,
    /// Runnable processes, as the kernel averages them over a minute.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Measured<Level>>,
}

impl HostSample {
    /// A sample of an interval in which nothing was measured yet.
    pub fn over(span: Millis) -> Self {
        Self { span, ..Self::default() }
    }

    /// Adds what it did in the interval after this one.
    pub fn append(&mut self, later: &Self) {
        self.span = Millis(self.span.0.saturating_add(later.span.0));
        measured::append(&mut self.cpu, later.cpu.as_ref());
        measured::append(&mut self.memory, later.memory.as_ref());
        measured::append(&mut self.load, later.load.as_ref());
        for (name, theirs) in &later.disks {
            match self.disks.get_mut(name) {
                Some(mine) => mine.append(theirs),
                None => {
                    self.disks.insert(name.clone(), theirs.clone());
                }
            }
        }
    }
}
