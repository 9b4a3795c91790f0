//! Instances that run without a row: the leavings of a lost database or an interrupted delete.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::id::InstanceId;
use slipway_core::time::{Millis, Timestamp};
use slipway_store::clock;

use super::Instances;
use super::sighting::Sighting;
use crate::context::Host;

/// How long an orphan is left alone, and how often it must have been seen in full listings.
const PATIENCE: Millis = Millis::from_secs(60);
const SIGHTINGS: u32 = 2;

/// Orphans by when they were first seen and how often.
#[derive(Debug, Default)]
pub struct Orphans {
    seen: BTreeMap<InstanceId, (Timestamp, u32)>,
}

impl Orphans {
    /// Takes a full listing's orphans in; returns those whose time has come.
    fn due(&mut self, orphans: Vec<InstanceId>, now: Timestamp) -> Vec<InstanceId> {
        self.seen.retain(|id, _| orphans.contains(id));
        for id in orphans {
            self.seen.entry(id).or_insert((now, 0)).1 += 1;
        }
        let old_enough = |(since, count): &(Timestamp, u32)| {
            now.since(*since) >= PATIENCE && *count >= SIGHTINGS
        };
        self.seen.iter().filter(|(_, seen)| old_enough(seen)).map(|(id, _)| id.clone()).collect()
    }
}

impl<H: Host> Instances<H> {
    /// Stops instances that nobody accounts for.
    pub(super) async fn remove_orphans(&mut self, sighting: &Sighting) {
        if !sighting.complete {
            return;
        }
        let known = match self.context.store.known_instances().await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "could not read the instances that are accounted for");
                return;
            }
        };
        let strangers: Vec<InstanceId> =
            sighting.observed.keys().filter(|id| !known.contains(id)).cloned().collect();
        for id in self.orphans.due(strangers, clock::now()) {
            tracing::warn!(instance_id = %id, "removing an instance that no release accounts for");
            let context = self.shared();
            let instance_id = id.clone();
            self.effects.begin(&id, async move {
                if let Err(error) = context.host.stop(&instance_id, Duration::from_secs(10)).await {
                    tracing::warn!(%instance_id, %error, "could not remove an orphan");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_core::id::Id;

    #[test]
    fn an_orphan_goes_after_a_minute_and_two_sightings_and_not_before() {
        let mut orphans = Orphans::default();
        let seen = || vec![InstanceId::from_bits(1)];
        assert!(orphans.due(seen(), Timestamp(0)).is_empty());
        assert!(orphans.due(seen(), Timestamp(59_999)).is_empty());
        assert_eq!(orphans.due(seen(), Timestamp(60_000)), seen());
        assert!(orphans.due(vec![], Timestamp(61_000)).is_empty());
        assert!(orphans.due(seen(), Timestamp(200_000)).is_empty(), "its time starts anew");
    }
}
