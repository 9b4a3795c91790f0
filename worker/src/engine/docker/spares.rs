//! How many sandboxes each app keeps in reserve.
//!
//! One, until more are asked for at once than there are: an app that is scaled in steps of two, or
//! that starts a web process and a worker together, learns to keep as many as it takes. A spare
//! costs some megabytes (Docker's shim for its process), so there are never more than a few.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use slipway_core::id::AppId;

const FEWEST: usize = 1;
const MOST: usize = 3;

/// What is known of the apps' reserves. It can be lost: then an app learns anew.
#[derive(Debug, Default)]
pub struct Spares {
    apps: Mutex<BTreeMap<AppId, Reserve>>,
}

#[derive(Debug)]
struct Reserve {
    wanted: usize,
    /// Whether somebody is about to make what is missing.
    refilling: bool,
}

impl Default for Reserve {
    fn default() -> Self {
        Self { wanted: FEWEST, refilling: false }
    }
}

impl Spares {
    /// Notes that an instance wanted a spare and there was none.
    pub fn note_lack(&self, app_id: &AppId) {
        let mut apps = self.lock();
        let reserve = apps.entry(app_id.clone()).or_default();
        reserve.wanted = (reserve.wanted + 1).min(MOST);
    }

    /// Notes how many are about to be taken at once.
    pub fn note_demand(&self, app_id: &AppId, count: usize) {
        let mut apps = self.lock();
        let reserve = apps.entry(app_id.clone()).or_default();
        reserve.wanted = reserve.wanted.max(count).min(MOST);
    }

    /// How many the app should have when nothing starts.
    pub fn wanted(&self, app_id: &AppId) -> usize {
        self.lock().get(app_id).map_or(FEWEST, |reserve| reserve.wanted)
    }

    /// Whether the caller is the one to make what is missing, until it calls `end_refill`.
    pub fn begin_refill(&self, app_id: &AppId) -> bool {
        let mut apps = self.lock();
        let reserve = apps.entry(app_id.clone()).or_default();
        !std::mem::replace(&mut reserve.refilling, true)
    }

    /// See `begin_refill`.
    pub fn end_refill(&self, app_id: &AppId) {
        if let Some(reserve) = self.lock().get_mut(app_id) {
            reserve.refilling = false;
        }
    }

    /// Forgets an app that is gone.
    pub fn forget(&self, app_id: &AppId) {
        self.lock().remove(app_id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AppId, Reserve>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    #[test]
    fn an_app_keeps_as_many_as_it_lacked_up_to_a_few() {
        let (spares, app, other) = (Spares::default(), AppId::from_bits(1), AppId::from_bits(2));
        assert_eq!(spares.wanted(&app), 1);
        spares.note_lack(&app);
        assert_eq!((spares.wanted(&app), spares.wanted(&other)), (2, 1));
        for _ in 0..9 {
            spares.note_lack(&app);
        }
        assert_eq!(spares.wanted(&app), 3);
        spares.forget(&app);
        assert_eq!(spares.wanted(&app), 1);
        spares.note_demand(&app, 2);
        spares.note_demand(&app, 0);
        assert_eq!(spares.wanted(&app), 2);
    }

    #[test]
    fn one_caller_refills_at_a_time() {
        let (spares, app) = (Spares::default(), AppId::from_bits(1));
        assert!(spares.begin_refill(&app));
        assert!(!spares.begin_refill(&app));
        spares.end_refill(&app);
        assert!(spares.begin_refill(&app));
    }
}
