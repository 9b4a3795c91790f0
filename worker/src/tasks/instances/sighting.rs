//! One look at the engine and the proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use slipway_core::id::{AppId, InstanceId};
use slipway_core::instance::{Observed, ObservedState};

use super::{Instances, within};
use crate::context::Host;
use crate::proxy::{Member, Traffic};

/// How long the engine may take to list; a frozen daemon must not freeze the reconciler.
const LOOK: Duration = Duration::from_secs(10);

/// How long a look may wait for counters: a switch is more urgent than a number.
const COUNT: Duration = Duration::from_millis(10);

/// What was seen.
#[derive(Debug, Default)]
pub struct Sighting {
    pub observed: BTreeMap<InstanceId, Observed>,
    /// What the proxy has, by app.
    pub routed: BTreeMap<AppId, BTreeSet<InstanceId>>,
    /// Apps of which the proxy asks for an instance where it is not.
    pub misplaced: BTreeSet<AppId>,
    /// Counters, at worst those of the look before.
    pub traffic: Traffic,
    knows_in_flight: bool,
    /// Whether engine and proxy both answered. Otherwise nothing may be taken away.
    pub complete: bool,
}

impl Sighting {
    /// The proxy's members of an app.
    pub fn routed(&self, app_id: &AppId) -> BTreeSet<InstanceId> {
        self.routed.get(app_id).cloned().unwrap_or_default()
    }

    /// The requests an instance works on; `None` when that is not known just now.
    pub fn in_flight(&self, id: &InstanceId) -> Option<u64> {
        self.traffic.in_flight(id).filter(|_| self.knows_in_flight)
    }

    /// Whether the proxy asks for an instance where it is, as far as was seen. When the engine or the
    /// machine begins anew, instances come back at other addresses.
    fn answers_at(&self, member: &Member) -> bool {
        let seen = self.observed.get(&member.instance).and_then(|observed| observed.endpoint);
        seen.is_none_or(|endpoint| endpoint == member.endpoint)
    }

    /// Whether the instance's process runs.
    pub fn is_up(&self, id: &InstanceId) -> bool {
        self.observed
            .get(id)
            .is_some_and(|observed| matches!(observed.state, ObservedState::Running { .. }))
    }
}

impl<H: Host> Instances<H> {
    /// Looks at everything once.
    pub(super) async fn sight(&mut self) -> Sighting {
        let host = &self.context.host;
        let proxy = &self.context.proxy;
        let (listed, members, traffic) = tokio::join!(
            within(LOOK, host.list()),
            proxy.members(),
            within(COUNT, proxy.traffic()),
        );
        let mut sighting = Sighting { complete: true, ..Sighting::default() };
        match listed {
            Some(Ok(list)) => {
                sighting.observed = list.into_iter().map(|one| (one.id.clone(), one)).collect();
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "could not list instances");
                sighting.complete = false;
            }
            None => {
                tracing::warn!("the container engine did not list its instances within 10 s");
                sighting.complete = false;
            }
        }
        match members {
            Ok(members) => {
                for (app_id, list) in members {
                    if !list.iter().all(|member| sighting.answers_at(member)) {
                        sighting.misplaced.insert(app_id.clone());
                    }
                    let ids = list.into_iter().map(|member| member.instance).collect();
                    sighting.routed.insert(app_id, ids);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not read the proxy's members");
                sighting.complete = false;
            }
        }
        match traffic {
            Some(Ok(traffic)) => {
                self.last_traffic = traffic.clone();
                sighting.traffic = traffic;
                sighting.knows_in_flight = true;
            }
            Some(Err(error)) => tracing::debug!(%error, "could not read the proxy's counters"),
            // The counters are complete again a tenth of a second after a switch.
            None => sighting.traffic = self.last_traffic.clone(),
        }
        sighting
    }
}
