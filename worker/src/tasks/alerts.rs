//! Looks at every alert every five seconds, and writes down what changed.
//!
//! Where alerts stand is kept in memory and written when it changes, while one is pending, and now
//! and then for its numbers. What was not written did not happen: the next look sees it again.

mod numbers;

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::time::Duration;

use slipway_core::alert::{Change, Reading, Rule, Scope, State, Status, effective, step};
use slipway_core::name::AlertName;
use slipway_core::time::{Millis, Timestamp};
use slipway_store::{AlertChange, AlertScope, AlertWrite, Statuses, StoreError, clock};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::numbers::Numbers;
use crate::context::{Host, Shared};
use crate::rounds::Task;

/// How often alerts are looked at.
const POLL: Duration = Duration::from_secs(5);
/// How old the numbers of an alert that does not change may get in the store.
const REFRESH: Millis = Millis::from_secs(30);

/// Looks until told to stop.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut watch = Watch::default();
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let round = watch.round(&context, clock::now());
        if let Err(error) = context.rounds.watch(Task::Alerts, round).await {
            tracing::warn!(%error, "could not look at the alerts");
        }
    }
}

/// What is remembered from look to look.
#[derive(Default)]
struct Watch {
    /// `None` until it was read from the store.
    scopes: Option<BTreeMap<AlertScope, Watched>>,
    numbers: Numbers,
}

#[derive(Default)]
struct Watched {
    statuses: Statuses,
    written_at: Timestamp,
}

impl Watch {
    async fn round<H: Host>(
        &mut self,
        context: &Shared<H>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut before = match self.scopes.take() {
            Some(scopes) => scopes,
            None => stored(context).await?,
        };
        let looked = self.look(context, &mut before, now).await;
        self.scopes = Some(before);
        looked
    }

    async fn look<H: Host>(
        &mut self,
        context: &Shared<H>,
        watched: &mut BTreeMap<AlertScope, Watched>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut own = context.store.alert_rules().await?;
        let fleet = context.store.fleet().await?;
        let apps = fleet.into_iter().map(|entry| AlertScope::App(entry.app.id));
        let scopes: Vec<AlertScope> = std::iter::once(AlertScope::Host).chain(apps).collect();
        watched.retain(|scope, _| scopes.contains(scope));
        self.numbers.forget(now);
        for scope in scopes {
            let kind = if scope.app_id().is_some() { Scope::App } else { Scope::Host };
            let rules = effective(kind, own.remove(&scope).unwrap_or_default());
            let before = watched.entry(scope.clone()).or_default();
            let readings = self.numbers.of(context, &scope, &rules, now).await?;
            let (statuses, changes) = advance(&rules, &before.statuses, &readings, now);
            if changes.is_empty() && !is_worth_writing(before, &statuses, now) {
                before.statuses = statuses;
                continue;
            }
            let write = AlertWrite { scope, at: now, statuses, changes };
            context.store.write_alerts(&write).await?;
            *before = Watched { statuses: write.statuses, written_at: now };
        }
        Ok(())
    }
}

async fn stored<H: Host>(context: &Shared<H>) -> Result<BTreeMap<AlertScope, Watched>, StoreError> {
    let statuses = context.store.alert_statuses().await?;
    let watched = |statuses| Watched { statuses, written_at: Timestamp(0) };
    Ok(statuses.into_iter().map(|(scope, statuses)| (scope, watched(statuses))).collect())
}

/// Moves every alert of a scope by one reading.
fn advance(
    rules: &BTreeMap<AlertName, Rule>,
    before: &Statuses,
    readings: &BTreeMap<AlertName, Reading>,
    now: Timestamp,
) -> (Statuses, Vec<AlertChange>) {
    let (mut statuses, mut changes) = (Statuses::new(), Vec::new());
    for (name, reading) in readings {
        let Some(rule) = rules.get(name) else { continue };
        let earlier = before.get(name).copied().unwrap_or_else(|| Status::unknown(now));
        let (status, change) = step(rule, &earlier, *reading);
        statuses.insert(name.clone(), status);
        changes.extend(change.map(|change| told(name, rule, change, now)));
    }
    for (name, status) in before.iter().filter(|(name, _)| !readings.contains_key(*name)) {
        if status.is_firing() {
            let what = if rules.contains_key(name) { "switched off" } else { "removed" };
            let sentence = format!("the alert was {what}");
            changes.push(AlertChange::Ends { alert: name.clone(), sentence });
        }
    }
    (statuses, changes)
}

fn told(name: &AlertName, rule: &Rule, change: Change, now: Timestamp) -> AlertChange {
    let alert = name.clone();
    match change {
        Change::Fires { value, bounds } => {
            let sentence = rule.firing_sentence(value, bounds);
            AlertChange::Fires { alert, severity: rule.severity, sentence, value, bounds }
        }
        Change::Ends { value, worst, fired_at, .. } => {
            let sentence = rule.resolved_sentence(value, worst, now.since(fired_at));
            AlertChange::Ends { alert, sentence }
        }
    }
}

fn is_worth_writing(before: &Watched, after: &Statuses, now: Timestamp) -> bool {
    let moved = |(name, status): (&AlertName, &Status)| {
        let earlier = before.statuses.get(name);
        matches!(status.state, State::Pending { .. })
            || earlier.is_none_or(|it| discriminant(&it.state) != discriminant(&status.state))
    };
    before.statuses.len() != after.len()
        || after.iter().any(moved)
        || now.since(before.written_at) >= REFRESH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: i64, value: f64) -> Reading {
        Reading { at: Timestamp(at), value: Some(value), week: None }
    }

    fn errors() -> AlertName {
        "errors".parse().unwrap()
    }

    fn firing() -> Statuses {
        let state = State::Firing { worst: 5.0 };
        [(errors(), Status { state, ..Status::unknown(Timestamp(0)) })].into()
    }

    #[test]
    fn a_rule_that_goes_ends_its_alert_once() {
        let mut rules = effective(Scope::App, BTreeMap::new());
        rules.get_mut(&errors()).unwrap().enabled = false;
        let now = Timestamp(9_000);
        let (after, changes) = advance(&rules, &firing(), &BTreeMap::new(), now);
        let sentence = "the alert was switched off".to_owned();
        assert_eq!(changes, [AlertChange::Ends { alert: errors(), sentence }]);
        assert_eq!(advance(&rules, &after, &BTreeMap::new(), now), (after, Vec::new()));
    }

    #[test]
    fn an_alert_that_stays_as_it_is_is_written_now_and_then() {
        let rules = effective(Scope::App, BTreeMap::new());
        let before = Watched { statuses: firing(), written_at: Timestamp(0) };
        let look = |at: i64| {
            let readings = [(errors(), reading(at, 5.0))].into();
            let (after, changes) = advance(&rules, &before.statuses, &readings, Timestamp(at));
            assert!(changes.is_empty());
            is_worth_writing(&before, &after, Timestamp(at))
        };
        assert!(!look(5_000) && look(30_000));
    }
}
