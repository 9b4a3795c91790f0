//! Settings of the autoscaler as a form holds them: all of it text, until it is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slipway_core::autoscale::{Amount, AutoscaleSettings};
use slipway_core::metric::Metric;
use slipway_core::name::GaugeName;
use slipway_core::time::Millis;
use slipway_core::wire::autoscale::AutoscaleInfo;

use crate::view::span::{parse, typed};

/// What somebody typed; an empty target is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    min: String,
    max: String,
    cpu: String,
    memory: String,
    rps: String,
    concurrency: String,
    p95: String,
    queue: String,
    net_in: String,
    net_out: String,
    /// `jobs_waiting=20`, with commas between several.
    gauges: String,
    down_window: String,
    warm_up: String,
    idle: String,
    /// How far back a simulation goes.
    range: String,
}

impl Default for SettingsForm {
    fn default() -> Self {
        let targets = BTreeMap::from([(Metric::Cpu, Amount::whole(60))]);
        Self::from(&AutoscaleSettings::new(1, 4, targets))
    }
}

impl From<&AutoscaleSettings> for SettingsForm {
    fn from(settings: &AutoscaleSettings) -> Self {
        let target = |metric: &Metric| settings.targets.get(metric).copied();
        let text = |metric| target(&metric).map(exact).unwrap_or_default();
        let bytes = |metric| target(&metric).map(in_bytes).unwrap_or_default();
        let gauge = |(metric, target): (&Metric, &Amount)| {
            let Metric::Custom(name) = metric else { return None };
            Some(format!("{name}={}", exact(*target)))
        };
        let gauges: Vec<String> = settings.targets.iter().filter_map(gauge).collect();
        Self {
            min: settings.min.to_string(),
            max: settings.max.to_string(),
            cpu: text(Metric::Cpu),
            memory: text(Metric::Memory),
            rps: text(Metric::Rps),
            concurrency: text(Metric::Concurrency),
            p95: text(Metric::P95Ms),
            queue: text(Metric::QueueMs),
            net_in: bytes(Metric::NetIn),
            net_out: bytes(Metric::NetOut),
            gauges: gauges.join(", "),
            down_window: typed(settings.down_window_ms),
            warm_up: typed(settings.warm_up_ms),
            idle: typed(settings.idle_ms),
            range: "7d".to_owned(),
        }
    }
}

impl SettingsForm {
    /// The settings as they are.
    pub fn of(info: &AutoscaleInfo) -> Self {
        Self::from(&info.settings)
    }

    /// How far back a simulation goes, by its name.
    pub fn range(&self) -> &str {
        &self.range
    }

    /// The settings that were meant.
    ///
    /// # Errors
    /// The first thing that cannot be read, in words.
    pub fn read(&self) -> Result<AutoscaleSettings, String> {
        let mut targets = BTreeMap::new();
        for (metric, text) in [
            (Metric::Cpu, &self.cpu),
            (Metric::Memory, &self.memory),
            (Metric::Rps, &self.rps),
            (Metric::Concurrency, &self.concurrency),
            (Metric::P95Ms, &self.p95),
            (Metric::QueueMs, &self.queue),
        ] {
            if !text.trim().is_empty() {
                targets.insert(metric, amount(text.trim())?);
            }
        }
        for (metric, text) in [(Metric::NetIn, &self.net_in), (Metric::NetOut, &self.net_out)] {
            if !text.trim().is_empty() {
                targets.insert(metric, bytes(text.trim())?);
            }
        }
        for gauge in self.gauges.split(',').map(str::trim).filter(|gauge| !gauge.is_empty()) {
            let (name, target) = self::gauge(gauge)?;
            targets.insert(Metric::Custom(name), target);
        }
        Ok(AutoscaleSettings {
            min: count(&self.min)?,
            max: count(&self.max)?,
            targets,
            down_window_ms: span(&self.down_window)?,
            warm_up_ms: span(&self.warm_up)?,
            idle_ms: span(&self.idle)?,
        })
    }
}

fn count(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| format!("`{}` is not a count", text.trim()))
}

fn amount(text: &str) -> Result<Amount, String> {
    let number = text.parse().ok().and_then(Amount::from_float);
    number.ok_or_else(|| format!("`{text}` is not a number above 0"))
}

/// All digits of a target: what is shown is what is sent again.
fn exact(amount: Amount) -> String {
    amount.as_float().to_string()
}

fn bytes(text: &str) -> Result<Amount, String> {
    let refusal = || format!("`{text}` is not an amount: write it like `500KB` or `5MB`");
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..at].parse().map_err(|_| refusal())?;
    let factor = match text[at..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        _ => return Err(refusal()),
    };
    Amount::from_float(number * factor).ok_or_else(refusal)
}

fn in_bytes(amount: Amount) -> String {
    let bytes = amount.as_float();
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "KB")];
    let found = units.into_iter().find(|(size, _)| bytes >= *size && bytes % (size / 10.0) == 0.0);
    found.map_or_else(|| bytes.to_string(), |(size, unit)| format!("{}{unit}", bytes / size))
}

fn gauge(text: &str) -> Result<(GaugeName, Amount), String> {
    let refusal = || format!("`{text}` is not a gauge with its target: write `jobs_waiting=20`");
    let (name, target) = text.split_once('=').ok_or_else(refusal)?;
    Ok((name.trim().parse().map_err(|_| refusal())?, amount(target.trim())?))
}

fn span(text: &str) -> Result<Millis, String> {
    parse(text).ok_or_else(|| format!("`{text}` is not a time: write it as `30s` or `10m`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_shown_and_sent_again_are_the_same() {
        let targets = BTreeMap::from([
            (Metric::Cpu, Amount::whole(60)),
            (Metric::Rps, Amount(12_345)),
            (Metric::NetIn, Amount::whole(5_200_000)),
            (Metric::NetOut, Amount::whole(1_234_567)),
            (Metric::Custom("jobs_waiting".parse().unwrap()), Amount(2500)),
        ]);
        let settings = AutoscaleSettings::new(0, 8, targets);
        let form = SettingsForm::from(&settings);
        assert_eq!((form.net_in.as_str(), form.net_out.as_str()), ("5.2MB", "1234567"));
        assert_eq!(form.gauges, "jobs_waiting=2.5");
        assert_eq!(form.read(), Ok(settings));
    }

    #[test]
    fn what_cannot_be_meant_is_said_in_words() {
        let good = SettingsForm::default();
        for (form, said) in [
            (SettingsForm { max: "lots".to_owned(), ..good.clone() }, "`lots` is not a count"),
            (SettingsForm { cpu: "hot".to_owned(), ..good.clone() }, "`hot` is not a number"),
            (SettingsForm { net_in: "5MiB".to_owned(), ..good.clone() }, "`5MB`"),
            (SettingsForm { gauges: "jobs".to_owned(), ..good.clone() }, "jobs_waiting=20"),
            (SettingsForm { idle: "never".to_owned(), ..good }, "not a time"),
        ] {
            let refusal = form.read().unwrap_err();
            assert!(refusal.contains(said), "{refusal}");
        }
    }
}
