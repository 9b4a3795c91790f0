//! Alerts: the rules that people made, where each alert stands, and when it fired.
//!
//! The worker alone moves an alert. What an alert changes to, the firing that begins or ends, the
//! event and the messages to every channel are one transaction: a message that is owed is never
//! forgotten, whenever the worker dies.

mod change;
mod row;

use std::collections::BTreeMap;

use slipway_core::alert::{Rule, Status};
use slipway_core::id::{AppId, FiringId, Id};
use slipway_core::name::AlertName;
use slipway_core::time::Timestamp;
use slipway_core::wire::alert::Firing;
use sqlx::any::AnyRow;

use crate::apps::{AppState, lock_app};
use crate::clock;
use crate::db::{Columns, Json, Store, json};
use crate::error::StoreError;

pub use self::change::{AlertChange, AlertWrite};

/// Most rules of one scope that people made.
pub const MOST_RULES: u32 = 50;

/// What alerts are about: an app, or the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertScope {
    Host,
    App(AppId),
}

/// Where the alerts of a scope stand, by name.
pub type Statuses = BTreeMap<AlertName, Status>;

impl AlertScope {
    /// As the database has it.
    fn as_str(&self) -> &str {
        match self {
            Self::Host => "host",
            Self::App(id) => id.as_str(),
        }
    }

    /// The app it is about.
    pub fn app_id(&self) -> Option<&AppId> {
        match self {
            Self::Host => None,
            Self::App(id) => Some(id),
        }
    }

    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        if row.col::<String>("scope")? == "host" {
            Ok(Self::Host)
        } else {
            row.col("scope").map(Self::App)
        }
    }
}

impl Store {
    /// Every rule that somebody made, by scope and name.
    pub async fn alert_rules(
        &self,
    ) -> Result<BTreeMap<AlertScope, BTreeMap<AlertName, Rule>>, StoreError> {
        let mut rules: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for row in statement!("alerts/rules").fetch_all(self.reader()).await? {
            let of_scope = rules.entry(AlertScope::read(&row)?).or_default();
            of_scope.insert(row.col("name")?, row.col::<Json<_>>("body")?.0);
        }
        Ok(rules)
    }

    /// The rules of one scope that somebody made.
    pub async fn alert_rules_of(
        &self,
        scope: &AlertScope,
    ) -> Result<BTreeMap<AlertName, Rule>, StoreError> {
        let rows = statement!("alerts/rules_of_scope", scope.as_str());
        let rows = rows.fetch_all(self.reader()).await?;
        rows.iter().map(|row| Ok((row.col("name")?, row.col::<Json<_>>("body")?.0))).collect()
    }

    /// Sets a rule, or the change of one that is there by itself.
    ///
    /// # Errors
    /// [`StoreError::TooManyAlerts`], [`StoreError::AppDeleting`].
    pub async fn set_alert_rule(
        &self,
        scope: &AlertScope,
        name: &AlertName,
        rule: &Rule,
        by: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        if let Some(app_id) = scope.app_id()
            && lock_app(&mut tx, app_id).await?.state == AppState::Deleting
        {
            return Err(StoreError::AppDeleting);
        }
        let others = statement!("alerts/count_rules", scope.as_str(), name.as_str());
        let others: u32 = others.fetch_one(tx.connection()).await?.col("rules")?;
        if others >= MOST_RULES {
            return Err(StoreError::TooManyAlerts);
        }
        statement!(
            "alerts/set_rule",
            scope.as_str(),
            scope.app_id().map(Id::as_str),
            name.as_str(),
            json(rule),
            clock::now().0,
            by
        )
        .execute(tx.connection())
        .await?;
        tx.commit().await
    }

    /// Removes a rule; whether there was one. An alert of it that fires is ended by the worker.
    pub async fn delete_alert_rule(
        &self,
        scope: &AlertScope,
        name: &AlertName,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted = statement!("alerts/delete_rule", scope.as_str(), name.as_str())
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Where every alert stands.
    pub async fn alert_statuses(&self) -> Result<BTreeMap<AlertScope, Statuses>, StoreError> {
        let rows = statement!("alerts/states").fetch_all(self.reader()).await?;
        rows.iter().map(|row| Ok((AlertScope::read(row)?, row.col::<Json<_>>("body")?.0))).collect()
    }

    /// Where the alerts of a scope stand.
    pub async fn alert_statuses_of(&self, scope: &AlertScope) -> Result<Statuses, StoreError> {
        let row = statement!("alerts/state_of_scope", scope.as_str());
        let row = row.fetch_optional(self.reader()).await?;
        row.map_or(Ok(Statuses::new()), |row| Ok(row.col::<Json<_>>("body")?.0))
    }

    /// When the alerts of a scope fired, newest first; only before one, when it is given.
    pub async fn firings(
        &self,
        scope: &AlertScope,
        limit: u32,
        before: Option<&FiringId>,
    ) -> Result<Vec<Firing>, StoreError> {
        // Every id is less than this, in any collation.
        let before = before.map_or("fir_zzzzzzzzzzzzzzzzzzzzzzzzzz", Id::as_str);
        let rows = statement!("alerts/firings", scope.as_str(), before, i64::from(limit));
        rows.fetch_all(self.reader()).await?.iter().map(row::firing).collect()
    }

    /// Forgets firings that ended, and messages that were made, before a time; how many those were.
    pub async fn prune_alerts(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let firings = statement!("alerts/prune_firings", before.0).execute(tx.connection()).await?;
        let deliveries = statement!("deliveries/prune", before.0).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(firings.rows_affected() + deliveries.rows_affected())
    }
}
