//! What one subject did in one interval: an instance, all instances of a process, or the host.
//!
//! Samples add up in two directions, and the order matters. Samples of several subjects over the
//! *same* interval are joined ([`Sample::join`]: counts and levels add up); a sample of the *next*
//! interval is appended ([`Sample::append`]: counts add up, levels are averaged by time). Join first:
//! once two instances that followed each other are appended into their own totals, nobody can tell
//! any more that they did not run side by side.
//!
//! What could not be read is absent, and stays out of the arithmetic: each part says how much of
//! the interval it covers ([`Measured::over`]), so a reading that failed makes no rate smaller.

mod host;
mod level;
mod measured;
mod part;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::name::GaugeName;
use crate::time::Millis;

pub use host::HostSample;
pub use level::Level;
pub(crate) use level::float;
pub use measured::{Measured, Part};
pub use part::{Condition, Cpu, Network, Room, Traffic};

/// Most gauges of its own that a sample holds; later ones, by name, are left out.
pub const MAX_GAUGES: usize = 32;

/// What is recorded interval by interval: samples of the host as well as of apps.
pub trait Recorded: Clone + Serialize + DeserializeOwned + Send {
    /// Adds what the same subject did in the interval after this one.
    fn append(&mut self, later: &Self);
}

impl Recorded for Sample {
    fn append(&mut self, later: &Self) {
        Self::append(self, later);
    }
}

impl Recorded for HostSample {
    fn append(&mut self, later: &Self) {
        Self::append(self, later);
    }
}

/// What a subject did in an interval. The stored form leaves out what is absent and names fields by
/// their first letters: there are a hundred thousand of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// How long the interval was.
    #[serde(rename = "ms")]
    pub span: Millis,
    /// What the proxy passed on; absent for a process that is not behind it.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Measured<Traffic>>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Measured<Cpu>>,
    /// Working set, against the limit.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Measured<Room>>,
    /// What went over the containers' own network interfaces.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Measured<Network>>,
    /// How the instances were.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Measured<Condition>>,
    /// Gauges the app itself exposes.
    #[serde(rename = "g", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<GaugeName, Measured<Level>>,
}

impl Sample {
    /// A sample of an interval in which nothing was measured yet.
    pub fn over(span: Millis) -> Self {
        Self { span, ..Self::default() }
    }

    /// The same with traffic that covers the whole interval. The others likewise.
    #[must_use]
    pub fn with_traffic(mut self, traffic: Traffic) -> Self {
        self.traffic = Some(Measured::over(self.span, traffic));
        self
    }

    #[must_use]
    pub fn with_cpu(mut self, cpu: Cpu) -> Self {
        self.cpu = Some(Measured::over(self.span, cpu));
        self
    }

    #[must_use]
    pub fn with_memory(mut self, memory: Room) -> Self {
        self.memory = Some(Measured::over(self.span, memory));
        self
    }

    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.network = Some(Measured::over(self.span, network));
        self
    }

    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = Some(Measured::over(self.span, condition));
        self
    }

    /// The same with a gauge of the app's own. A sample that is full stays as it is, and so does
    /// one given a value that is no number.
    #[must_use]
    pub fn with_gauge(mut self, name: GaugeName, value: f64) -> Self {
        if value.is_finite() {
            let level = Measured::over(self.span, Level::steady(value));
            self.gauges.insert(name, level);
            while self.gauges.len() > MAX_GAUGES {
                self.gauges.pop_last();
            }
        }
        self
    }

    /// Adds what the same subject did in the interval after this one.
    pub fn append(&mut self, later: &Self) {
        self.span = Millis(self.span.0.saturating_add(later.span.0));
        measured::append(&mut self.traffic, later.traffic.as_ref());
        measured::append(&mut self.cpu, later.cpu.as_ref());
        measured::append(&mut self.memory, later.memory.as_ref());
        measured::append(&mut self.network, later.network.as_ref());
        measured::append(&mut self.condition, later.condition.as_ref());
        self.combine_gauges(later, Measured::append);
    }

    /// Adds what another subject did in the same interval.
    pub fn join(&mut self, other: &Self) {
        self.span = self.span.max(other.span);
        measured::join(&mut self.traffic, other.traffic.as_ref());
        measured::join(&mut self.cpu, other.cpu.as_ref());
        measured::join(&mut self.memory, other.memory.as_ref());
        measured::join(&mut self.network, other.network.as_ref());
        measured::join(&mut self.condition, other.condition.as_ref());
        self.combine_gauges(other, Measured::join);
    }

    fn combine_gauges(
        &mut self,
        other: &Self,
        combine: impl Fn(&mut Measured<Level>, &Measured<Level>),
    ) {
        for (name, theirs) in &other.gauges {
            match self.gauges.get_mut(name) {
                Some(mine) => combine(mine, theirs),
                None => {
                    self.gauges.insert(name.clone(), theirs.clone());
                }
            }
        }
        while self.gauges.len() > MAX_GAUGES {
            self.gauges.pop_last();
        }
    }
}

#[cfg(test)]
mod tests;
