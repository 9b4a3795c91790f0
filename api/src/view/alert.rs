//! Alerts.

use slipway_core::alert::{Scope, defaults, effective};
use slipway_core::name::AlertName;
use slipway_core::wire::alert::{AlertInfo, AlertOrigin};
use slipway_store::AlertScope;

use crate::error::ApiError;
use crate::state::ApiState;

/// The alerts of a scope with where they stand, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &ApiState, scope: &AlertScope) -> Result<Vec<AlertInfo>, ApiError> {
    let own = state.store.alert_rules_of(scope).await?;
    let statuses = state.store.alert_statuses_of(scope).await?;
    let described = effective(kind(scope), own.clone()).into_iter().map(|(name, rule)| {
        let origin = match (own.contains_key(&name), is_default(scope, &name)) {
            (true, true) => AlertOrigin::Changed,
            (true, false) => AlertOrigin::Own,
            (false, _) => AlertOrigin::Default,
        };
        let status = statuses.get(&name).copied().filter(|_| rule.enabled);
        AlertInfo { condition: rule.condition(), name, rule, origin, status }
    });
    Ok(described.collect())
}

/// Whether an alert of this name is there by itself.
pub fn is_default(scope: &AlertScope, name: &AlertName) -> bool {
    defaults(kind(scope)).iter().any(|(default, _)| default == name)
}

fn kind(scope: &AlertScope) -> Scope {
    match scope {
        AlertScope::App(_) => Scope::App,
        AlertScope::Host => Scope::Host,
    }
}
