//! A rule as a form holds it: all of it text, until it is read.

use std::fmt;

use serde::{Deserialize, Serialize};
use slipway_core::alert::{Against, Direction, Rule, Severity};
use slipway_core::metric::Metric;
use slipway_core::name::{AlertName, ProcessName};
use slipway_core::time::Millis;
use slipway_core::wire::alert::AlertInfo;

use crate::view::span::{parse, typed};

/// Stands for a gauge of the app's own, whose name is in a field beside it.
const CUSTOM: &str = "custom";

/// What somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleForm {
    pub name: String,
    metric: String,
    gauge: String,
    direction: String,
    threshold: String,
    against: String,
    hold: String,
    over: String,
    clear: String,
    process: String,
    severity: String,
    /// Not empty when the alert is off, and stays so.
    off: String,
}

impl Default for RuleForm {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: String::new(),
            metric: Metric::P95Ms.to_string(),
            gauge: String::new(),
            direction: text(Direction::Above.as_str()),
            threshold: String::new(),
            against: text("fixed"),
            hold: text("5m"),
            over: text("1m"),
            clear: String::new(),
            process: String::new(),
            severity: text(Severity::Warning.as_str()),
            off: String::new(),
        }
    }
}

impl RuleForm {
    /// An alert as it is.
    pub fn of(alert: &AlertInfo) -> Self {
        let rule = &alert.rule;
        let (metric, gauge) = if let Metric::Custom(gauge) = &rule.metric {
            (CUSTOM.to_owned(), gauge.to_string())
        } else {
            (rule.metric.to_string(), String::new())
        };
        let of_week = rule.against == Against::Week;
        Self {
            name: alert.name.to_string(),
            metric,
            gauge,
            direction: rule.direction.as_str().to_owned(),
            threshold: rule.threshold.to_string(),
            against: if of_week { "week" } else { "fixed" }.to_owned(),
            hold: typed(rule.hold),
            over: typed(rule.over),
            clear: text(rule.clear),
            process: text(rule.process.as_ref()),
            severity: rule.severity.as_str().to_owned(),
            off: if rule.enabled { String::new() } else { "off".to_owned() },
        }
    }

    /// Whether anything is set that the form keeps folded away.
    pub fn is_unfolded(&self) -> bool {
        let usual = Self::default();
        let folded = |form: &Self| {
            [&form.gauge, &form.against, &form.over, &form.clear, &form.process].map(String::clone)
        };
        folded(self) != folded(&usual)
    }

    /// The alert that was meant.
    ///
    /// # Errors
    /// The first thing that cannot be read, in words.
    pub fn read(&self) -> Result<(AlertName, Rule), String> {
        let name = self.name.trim().parse::<AlertName>().map_err(|error| format!("{error}"))?;
        let metric = match self.metric.as_str() {
            CUSTOM => format!("custom:{}", self.gauge.trim()),
            metric => metric.to_owned(),
        };
        let process = self.process.trim();
        let process = (!process.is_empty()).then(|| process.parse::<ProcessName>()).transpose();
        let clear = self.clear.trim();
        let rule = Rule {
            metric: metric.parse::<Metric>().map_err(|_| format!("`{metric}` is no metric"))?,
            process: process.map_err(|error| format!("{error}"))?,
            direction: match self.direction.as_str() {
                "below" => Direction::Below,
                _ => Direction::Above,
            },
            threshold: number(&self.threshold)?,
            against: if self.against == "week" { Against::Week } else { Against::Fixed },
            clear: (!clear.is_empty()).then(|| number(clear)).transpose()?,
            over: span(&self.over)?,
            hold: span(&self.hold)?,
            severity: match self.severity.as_str() {
                "critical" => Severity::Critical,
                _ => Severity::Warning,
            },
            enabled: self.off.is_empty(),
        };
        Ok((name, rule))
    }
}

fn text<T: fmt::Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("`{}` is not a number", text.trim()))
}

fn span(text: &str) -> Result<Millis, String> {
    parse(text).ok_or_else(|| format!("`{text}` is not a time: write it as `90s`, `5m` or `1h`"))
}

#[cfg(test)]
mod tests {
    use slipway_core::alert::{Scope, defaults};
    use slipway_core::wire::alert::AlertOrigin;

    use super::*;

    fn info(name: AlertName, rule: Rule) -> AlertInfo {
        let condition = rule.condition();
        AlertInfo { name, rule, condition, origin: AlertOrigin::Default, status: None }
    }

    #[test]
    fn a_rule_that_is_shown_and_sent_again_is_the_same() {
        for (name, mut rule) in defaults(Scope::App) {
            rule.process = Some("worker".parse().unwrap());
            rule.clear = Some(0.25);
            rule.enabled = false;
            let form = RuleForm::of(&info(name.clone(), rule.clone()));
            assert!(form.is_unfolded());
            assert_eq!(form.read(), Ok((name, rule)));
        }
    }

    #[test]
    fn a_gauge_is_a_metric_with_a_name_of_its_own() {
        let form = RuleForm {
            name: "queue".to_owned(),
            metric: "custom".to_owned(),
            gauge: "jobs_waiting".to_owned(),
            threshold: " 20 ".to_owned(),
            ..RuleForm::default()
        };
        let (name, rule) = form.read().unwrap();
        assert_eq!(rule.condition(), "custom:jobs_waiting above 20 for 5 min");
        assert_eq!(RuleForm::of(&info(name, rule)).gauge, "jobs_waiting");
    }

    #[test]
    fn what_cannot_be_meant_is_said_in_words() {
        let good = RuleForm {
            name: "slow".to_owned(),
            threshold: "500".to_owned(),
            ..RuleForm::default()
        };
        assert!(good.read().is_ok());
        for (form, said) in [
            (RuleForm { name: "Slow!".to_owned(), ..good.clone() }, "alert name"),
            (RuleForm { threshold: "much".to_owned(), ..good.clone() }, "`much` is not a number"),
            (RuleForm { hold: "a while".to_owned(), ..good.clone() }, "not a time"),
            (RuleForm { metric: "rsp".to_owned(), ..good.clone() }, "no metric"),
            (RuleForm { process: "no no".to_owned(), ..good }, "process name"),
        ] {
            let refusal = form.read().unwrap_err();
            assert!(refusal.contains(said), "{refusal}");
        }
    }
}
