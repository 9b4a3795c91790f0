//! Failures of starts, handed from the tasks that start to the reconciler.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use slipway_core::id::{AppId, InstanceId};
use slipway_core::reason::Reason;
use slipway_store::clock;

use super::act::StartError;
use super::local::Locals;

/// What starts that failed for good said, until the reconciler looks.
#[derive(Clone, Default)]
pub struct Failures {
    noted: Arc<Mutex<BTreeMap<InstanceId, (AppId, Reason)>>>,
}

impl Failures {
    /// A start failed. A passing cause is only logged: the start is begun again.
    pub fn note(&self, id: &InstanceId, app_id: &AppId, error: &StartError) {
        tracing::warn!(instance_id = %id, %error, "could not start an instance");
        if let Some(reason) = error.verdict() {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.insert(id.clone(), (app_id.clone(), reason));
        }
    }

    /// Turns what was noted into verdicts.
    pub fn settle(&self, locals: &mut Locals) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, (app_id, reason)) in std::mem::take(&mut *noted) {
            locals.of(&id, &app_id).refuse(reason, clock::now());
        }
    }
}
