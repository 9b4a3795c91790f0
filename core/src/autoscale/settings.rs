//! What people ask of the autoscaler.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use crate::metric::Metric;
use crate::time::Millis;

/// Most instances of one process, whoever asks.
const MOST: u32 = 100;
const LONGEST: Millis = Millis::from_secs(24 * 3600);

/// How one process is scaled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AutoscaleSettings {
    /// Fewest instances; with 0 an idle process is stopped, and the next request wakes it.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// What each instance should be at, by metric: `cpu` and `memory` in percent of the limit,
    /// `rps`, `concurrency`, `p95_ms`, `queue_ms`, `net_in` and `net_out` in bytes a second, and
    /// `custom:<gauge>`. Of several the one that wants most instances decides.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, f64>))]
    pub targets: BTreeMap<Metric, Amount>,
    /// Fewer instances only when nothing wanted more for this long, in milliseconds.
    #[serde(default = "default_down_window")]
    pub down_window_ms: Millis,
    /// How long the numbers of a new instance, and all numbers after a rollout, are left aside, in
    /// milliseconds: booting is no load.
    #[serde(default = "default_warm_up")]
    pub warm_up_ms: Millis,
    /// With a `min` of 0: how long without a request or an open connection is idle, in milliseconds.
    #[serde(default = "default_idle")]
    pub idle_ms: Millis,
}

fn default_down_window() -> Millis {
    Millis::from_secs(300)
}

fn default_warm_up() -> Millis {
    Millis::from_secs(30)
}

fn default_idle() -> Millis {
    Millis::from_secs(300)
}

/// Why settings make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    #[error(
        "`min` is {min} and `max` is {max}: `max` must be at least 1, at least `min`, and at most {MOST}"
    )]
    Bounds { min: u32, max: u32 },
    #[error("there is no target: without one nothing says when to scale")]
    NoTarget,
    #[error("`{metric}` is no metric to scale by: use {}", scalable())]
    Metric { metric: Metric },
    #[error("the target of `{metric}` is 0: it must be more")]
    Zero { metric: Metric },
    #[error("the target of `{metric}` is {target} percent: it must be at most 100")]
    Percent { metric: Metric, target: Amount },
    #[error("`{field}` is {span}: it must be from {least} to 24 h")]
    Span { field: &'static str, span: Millis, least: Millis },
    #[error("`min` is 0, but only `web` behind the proxy can be idle and woken: use at least 1")]
    CannotSleep,
}

impl AutoscaleSettings {
    /// Settings with the usual times.
    pub fn new(min: u32, max: u32, targets: BTreeMap<Metric, Amount>) -> Self {
        Self {
            min,
            max,
            targets,
            down_window_ms: default_down_window(),
            warm_up_ms: default_warm_up(),
            idle_ms: default_idle(),
        }
    }

    /// Whether they make sense for a process that can sleep (it is behind the proxy), or cannot.
    ///
    /// # Errors
    /// With the first thing that does not.
    pub fn check(&self, can_sleep: bool) -> Result<(), InvalidSettings> {
        let Self { min, max, .. } = *self;
        if max == 0 || min > max || max > MOST {
            return Err(InvalidSettings::Bounds { min, max });
        }
        if min == 0 && !can_sleep {
            return Err(InvalidSettings::CannotSleep);
        }
        // Without a target a process can still sleep and wake.
        if self.targets.is_empty() && (min > 0 || max > 1) {
            return Err(InvalidSettings::NoTarget);
        }
        for (metric, target) in &self.targets {
            check_target(metric, *target)?;
        }
        for (field, span, least) in [
            ("down_window_ms", self.down_window_ms, Millis(0)),
            ("warm_up_ms", self.warm_up_ms, Millis(0)),
            ("idle_ms", self.idle_ms, Millis::from_secs(5)),
        ] {
            if span < least || span > LONGEST {
                return Err(InvalidSettings::Span { field, span, least });
            }
        }
        Ok(())
    }

    /// The fewest instances of a process that is awake.
    pub fn awake_min(&self) -> u32 {
        self.min.max(1)
    }

    /// Whether somebody may set this count by hand. 0 pauses, whatever the bounds are.
    pub fn admits(&self, count: u32) -> bool {
        count == 0 || (self.awake_min()..=self.max).contains(&count)
    }
}

fn check_target(metric: &Metric, target: Amount) -> Result<(), InvalidSettings> {
    let metric = metric.clone();
    if !is_scalable(&metric) {
        return Err(InvalidSettings::Metric { metric });
    }
    if target == Amount(0) {
        return Err(InvalidSettings::Zero { metric });
    }
    let percent = matches!(metric, Metric::Cpu | Metric::Memory);
    if percent && target > Amount::whole(100) {
        return Err(InvalidSettings::Percent { metric, target });
    }
    Ok(())
}

/// Whether more instances make less of it for each.
pub fn is_scalable(metric: &Metric) -> bool {
    matches!(
        metric,
        Metric::Cpu
            | Metric::Memory
            | Metric::Rps
            | Metric::Concurrency
            | Metric::P95Ms
            | Metric::QueueMs
            | Metric::NetIn
            | Metric::NetOut
            | Metric::Custom(_)
    )
}

fn scalable() -> String {
    let known = Metric::ALL.iter().filter(|metric| is_scalable(metric));
    let names = known.map(|metric| format!("`{metric}`")).chain(["`custom:<gauge>`".to_owned()]);
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(min: u32, max: u32, targets: &[(Metric, u64)]) -> AutoscaleSettings {
        let targets = targets.iter().map(|(metric, n)| (metric.clone(), Amount::whole(*n)));
        AutoscaleSettings::new(min, max, targets.collect())
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let cpu = [(Metric::Cpu, 60)];
        assert_eq!(settings(1, 8, &cpu).check(true), Ok(()));
        assert_eq!(settings(0, 1, &[]).check(true), Ok(()), "it sleeps and wakes");
        for (bad, word) in [
            (settings(3, 2, &cpu), "`max`"),
            (settings(0, 0, &cpu), "`max`"),
            (settings(1, 101, &cpu), "100"),
            (settings(1, 2, &[]), "no target"),
            (settings(1, 2, &[(Metric::Errors, 1)]), "`p95_ms`"),
            (settings(1, 2, &[(Metric::Rps, 0)]), "`rps`"),
            (settings(1, 2, &[(Metric::Cpu, 101)]), "percent"),
            (AutoscaleSettings { idle_ms: Millis(1), ..settings(0, 2, &cpu) }, "idle_ms"),
        ] {
            let refusal = bad.check(true).unwrap_err().to_string();
            assert!(refusal.contains(word), "{refusal}");
        }
        assert_eq!(settings(0, 8, &cpu).check(false), Err(InvalidSettings::CannotSleep));
    }

    #[test]
    fn by_hand_a_count_is_within_the_bounds_or_a_pause() {
        let settings = settings(2, 4, &[(Metric::Cpu, 60)]);
        let admitted: Vec<u32> = (0..7).filter(|count| settings.admits(*count)).collect();
        assert_eq!(admitted, [0, 2, 3, 4]);
    }

    #[test]
    fn what_is_left_out_has_its_usual_value() {
        let text = r#"{"min":1,"max":8,"targets":{"cpu":60,"custom:jobs":2.5}}"#;
        let read: AutoscaleSettings = serde_json::from_str(text).unwrap();
        assert_eq!(read.down_window_ms, Millis::from_secs(300));
        assert_eq!(read.targets[&Metric::Cpu], Amount::whole(60));
        assert!(
            serde_json::from_str::<AutoscaleSettings>(r#"{"min":1,"max":8,"target":{}}"#).is_err()
        );
    }
}
