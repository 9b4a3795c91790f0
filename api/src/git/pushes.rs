//! The pushes that are under way in this process, by a secret name that only their hook knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slipway_core::id::AppId;

use crate::git::repository::Repository;

/// One push, as far as it is known before its refs are.
#[derive(Debug, Clone)]
pub struct Push {
    pub app_id: AppId,
    pub deploy_branch: String,
    pub repository: Repository,
    /// Who pushes, for the records.
    pub by: String,
}

/// Every push under way.
#[derive(Debug, Clone, Default)]
pub struct Pushes(Arc<Mutex<HashMap<String, Arc<Push>>>>);

/// A push that its hook can ask about until this is dropped.
#[derive(Debug)]
pub struct Underway {
    pushes: Pushes,
    secret: String,
}

impl Pushes {
    pub fn begin(&self, push: Push) -> Underway {
        let secret = format!("{:032x}", rand::random::<u128>());
        self.lock().insert(secret.clone(), Arc::new(push));
        Underway { pushes: self.clone(), secret }
    }

    pub fn find(&self, secret: &str) -> Option<Arc<Push>> {
        self.lock().get(secret).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Push>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Underway {
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.pushes.lock().remove(&self.secret);
    }
}
