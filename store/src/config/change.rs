//! Changing configuration, and the deployment that carries the change.

use slipway_core::config::ConfigChange;
use slipway_core::deployment::{Deployment, DeploymentKind};
use slipway_core::id::{AppId, Id};
use slipway_core::name::ConfigKey;

use super::{ConfigOutcome, SealedConfig, bytes, etag};
use crate::apps::{App, AppState, lock_app};
use crate::clock;
use crate::db::{Columns, Store, WriteTx};
use crate::deployments::{self, NewDeployment};
use crate::error::StoreError;
use crate::keys::KeyRing;

/// Keys that a deployment's description names; of more, it says how many.
const NAMED: usize = 5;

impl Store {
    /// Changes values and, when there is something to carry the change to, accepts the deployment
    /// that does. A change to what is already so makes nothing.
    ///
    /// # Errors
    /// [`StoreError::EtagMismatch`] when `if_match` is another version than there is, and
    /// [`StoreError::Config`] beyond a limit.
    pub async fn change_config(
        &self,
        app_id: &AppId,
        change: &ConfigChange,
        keys: &KeyRing,
        if_match: Option<&str>,
        by: &str,
        log_start: u64,
    ) -> Result<ConfigOutcome, StoreError> {
        let mut tx = self.begin_write().await?;
        let app = lock_app(&mut tx, app_id).await?;
        if app.state == AppState::Deleting {
            return Err(StoreError::AppDeleting);
        }
        let version = statement!("apps/config_version", app_id.as_str());
        let current = etag(version.fetch_one(tx.connection()).await?.col("config_version")?);
        if if_match.is_some_and(|seen| seen != current) {
            return Err(StoreError::EtagMismatch { current });
        }
        let rows = statement!("config/of_app", app_id.as_str()).fetch_all(tx.connection()).await?;
        let before = SealedConfig::from_rows(&rows)?.open(app_id, keys)?;
        let after = before.changed(change)?;
        let differs = |key: &ConfigKey| before.0.get(key) != after.0.get(key);
        let change: ConfigChange = change
            .iter()
            .filter(|(key, _)| differs(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if change.is_empty() {
            return Ok(ConfigOutcome { etag: current, changed: false, deployment: None });
        }
        write(&mut tx, app_id, &change, keys).await?;
        let version = statement!("apps/next_config_version", app_id.as_str());
        let version = version.fetch_one(tx.connection()).await?.col("config_version")?;
        let deployment = carry(&mut tx, &app, &change, by, log_start).await?;
        tx.commit().await?;
        Ok(ConfigOutcome { etag: etag(version), changed: true, deployment })
    }
}

async fn write(
    tx: &mut WriteTx,
    app_id: &AppId,
    change: &ConfigChange,
    keys: &KeyRing,
) -> Result<(), StoreError> {
    let now = clock::now();
    for (key, value) in change {
        let written = if let Some(value) = value {
            let sealed = keys.seal(app_id, key, value)?;
            let (app_id, key) = (app_id.as_str(), key.as_str());
            statement!("config/set", app_id, key, sealed, bytes(value), now.0)
        } else {
            statement!("config/unset", app_id.as_str(), key.as_str())
        };
        written.execute(tx.connection()).await?;
    }
    Ok(())
}

/// Accepts the deployment of a change. Without a release that is live, or on its way with the
/// values from before, the next deployment takes the change along by itself.
async fn carry(
    tx: &mut WriteTx,
    app: &App,
    change: &ConfigChange,
    by: &str,
    log_start: u64,
) -> Result<Option<Deployment>, StoreError> {
    if app.live_release_id.is_none() && !deployments::is_release_under_way(tx, &app.id).await? {
        return Ok(None);
    }
    let new = NewDeployment {
        app_id: app.id.clone(),
        kind: DeploymentKind::Config,
        source: None,
        description: describe(change),
        by: by.to_owned(),
        log_start,
        target_release: None,
    };
    deployments::accept(tx, app, new).await.map(Some)
}

/// `set A, B; unset C`.
fn describe(change: &ConfigChange) -> String {
    let (set, unset): (Vec<_>, Vec<_>) = change.iter().partition(|(_, value)| value.is_some());
    let parts = [("set", set), ("unset", unset)].into_iter().filter(|(_, keys)| !keys.is_empty());
    let part = |(verb, keys): (&str, Vec<(&ConfigKey, _)>)| {
        let named: Vec<&str> = keys.iter().take(NAMED).map(|(key, _)| key.as_str()).collect();
        let named = named.join(", ");
        match keys.len().saturating_sub(NAMED) {
            0 => format!("{verb} {named}"),
            more => format!("{verb} {named} and {more} more"),
        }
    };
    parts.map(part).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_keys_and_never_values() {
        let key = |name: &str| name.parse::<ConfigKey>().unwrap();
        let mut change: ConfigChange =
            [(key("C"), None), (key("A"), Some("hunter2".into()))].into();
        assert_eq!(describe(&change), "set A; unset C");
        for number in 0..9 {
            change.insert(key(&format!("B{number}")), Some(String::new()));
        }
        assert_eq!(describe(&change), "set A, B0, B1, B2, B3 and 5 more; unset C");
    }
}
