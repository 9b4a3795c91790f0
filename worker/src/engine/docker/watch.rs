//! Events of the daemon: hints that something happened, and the end of what we remembered.
//!
//! One subscription for the whole process. It can drop events or fall silent without an error, so
//! it is renewed when nothing was heard for a while, from a little before the last event on, and
//! each renewal counts as a hint of its own.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};

use super::call::LOOK_UP;
use super::moment::Moment;
use super::{Docker, labels};

/// Silence after which the subscription is renewed.
const SILENCE: Duration = Duration::from_mins(1);
/// Pause between attempts while the daemon is away.
const PAUSE: Duration = Duration::from_secs(1);
/// How far before the last event a renewed subscription begins.
const OVERLAP_S: i64 = 5;
/// What can change an instance's state or address. Not `exec_*`, which a person's shell causes.
const ACTIONS: &[&str] = &["start", "die", "oom", "pause", "unpause", "destroy"];

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nothing was heard for a while. Whatever it did not tell, the next one tells.
    Silent,
    /// The daemon went, or the connection to it: it may have begun anew and remember nothing.
    Broken,
}

impl Docker {
    /// Follows events until shutdown.
    pub(super) async fn watch_events(self) {
        let stopping = self.shared.stopping.clone();
        let follow = async {
            let mut last = self.shared.host.now;
            let mut end = End::Broken;
            loop {
                if self.call("pinging", LOOK_UP, self.client.ping()).await.is_err() {
                    end = End::Broken;
                } else {
                    if end == End::Broken {
                        self.shared.inspections.doubt_all();
                    }
                    self.hint();
                    end = self.follow_events(&mut last).await;
                }
                sleep(PAUSE).await;
            }
        };
        stopping.run_until_cancelled(Box::pin(follow)).await;
    }

    /// Returns when the subscription ends, fails or falls silent.
    async fn follow_events(&self, last: &mut Option<Moment>) -> End {
        let mut options = EventsOptionsBuilder::new().filters(&self.wanted_events());
        if let Some(last) = last {
            options = options.since(&(last.seconds() - OVERLAP_S).to_string());
        }
        let mut events = Box::pin(self.client.events(Some(options.build())));
        loop {
            match timeout(SILENCE, events.next()).await {
                Ok(Some(Ok(event))) => {
                    *last = event.time_nano.map(Moment::from_nanos).or(*last);
                    self.notice(event);
                }
                Ok(_) => return End::Broken,
                Err(_) => return End::Silent,
            }
        }
    }

    fn notice(&self, event: EventMessage) {
        if let Some(id) = event.actor.and_then(|actor| actor.id) {
            self.shared.inspections.doubt(&id);
        }
        self.hint();
    }

    /// Wakes whoever listens; several hints in a row are one.
    fn hint(&self) {
        self.shared.hints.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn wanted_events(&self) -> HashMap<String, Vec<String>> {
        let installation = self.settings.installation.to_string();
        let mut filters = labels::filter(&[(labels::INSTALLATION, &installation)]);
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        let actions = ACTIONS.iter().map(|&action| action.to_owned()).collect();
        filters.insert("event".to_owned(), actions);
        filters
    }
}
