//! Settings of the autoscaler, as they are typed.

use std::collections::BTreeMap;
use std::str::FromStr;

use slipway_core::autoscale::{Amount, AutoscaleSettings};
use slipway_core::manifest::Span;
use slipway_core::metric::Metric;
use slipway_core::name::GaugeName;
use slipway_core::time::Millis;

/// Bounds, targets and times.
#[derive(Debug, clap::Args)]
pub struct Settings {
    /// Fewest instances; 0 stops an idle `web`
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    min: u32,
    /// Most instances
    #[arg(long, value_name = "COUNT")]
    max: u32,
    /// CPU of each instance, in percent of its limit
    #[arg(long, value_name = "PERCENT")]
    cpu: Option<Number>,
    /// Memory of each instance, in percent of its limit
    #[arg(long, value_name = "PERCENT")]
    memory: Option<Number>,
    /// Requests a second of each instance
    #[arg(long, value_name = "NUMBER")]
    rps: Option<Number>,
    /// Requests at once of each instance
    #[arg(long, value_name = "NUMBER")]
    concurrency: Option<Number>,
    /// What 95 % of the requests may take, in milliseconds
    #[arg(long, value_name = "MS")]
    p95: Option<Number>,
    /// What 95 % of the requests may wait for an instance, in milliseconds
    #[arg(long, value_name = "MS")]
    queue: Option<Number>,
    /// Bytes a second into each instance, like `5MB` (a MB is 1000² bytes)
    #[arg(long, value_name = "BYTES")]
    net_in: Option<Bytes>,
    /// Bytes a second out of each instance
    #[arg(long, value_name = "BYTES")]
    net_out: Option<Bytes>,
    /// A gauge that the app exposes, of each instance
    #[arg(long, value_name = "GAUGE=NUMBER")]
    custom: Vec<Gauge>,
    /// Fewer only when nothing wanted more for this long, like `5m`
    #[arg(long, value_name = "SPAN", value_parser = span)]
    down_window: Option<Span>,
    /// Leave the numbers of a new instance aside for this long, like `30s`
    #[arg(long, value_name = "SPAN", value_parser = span)]
    warm_up: Option<Span>,
    /// With `--min 0`: how long without a request is idle, like `5m`
    #[arg(long, value_name = "SPAN", value_parser = span)]
    idle: Option<Span>,
}

impl Settings {
    /// What the server is asked for.
    pub fn into_settings(self) -> AutoscaleSettings {
        let number = |number: Option<Number>| number.map(|number| number.0);
        let bytes = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.0);
        let mut targets: BTreeMap<Metric, Amount> = [
            (Metric::Cpu, number(self.cpu)),
            (Metric::Memory, number(self.memory)),
            (Metric::Rps, number(self.rps)),
            (Metric::Concurrency, number(self.concurrency)),
            (Metric::P95Ms, number(self.p95)),
            (Metric::QueueMs, number(self.queue)),
            (Metric::NetIn, bytes(self.net_in)),
            (Metric::NetOut, bytes(self.net_out)),
        ]
        .into_iter()
        .filter_map(|(metric, target)| Some((metric, target?)))
        .collect();
        let gauges = self.custom.into_iter();
        targets.extend(gauges.map(|Gauge(name, target)| (Metric::Custom(name), target)));
        let usual = AutoscaleSettings::new(self.min, self.max, targets);
        let or = |given: Option<Span>, usual: Millis| given.map_or(usual, |span| span.0);
        AutoscaleSettings {
            down_window_ms: or(self.down_window, usual.down_window_ms),
            warm_up_ms: or(self.warm_up, usual.warm_up_ms),
            idle_ms: or(self.idle, usual.idle_ms),
            ..usual
        }
    }
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "write it like `30s` or `10m`, at most `1h`".to_owned())
}

/// How far back.
#[derive(Debug, Clone, Copy)]
pub struct Since(pub Millis);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || "write it like `30m`, `6h` or `7d`, at most `30d`".to_owned();
        let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refusal)?;
        let number: u64 = text[..at].parse().map_err(|_| refusal())?;
        let unit = match &text[at..] {
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(refusal()),
        };
        let span = number.checked_mul(unit).filter(|span| *span <= 30 * 86_400_000);
        span.map(|span| Self(Millis(span))).ok_or_else(refusal)
    }
}

#[derive(Debug, Clone, Copy)]
struct Number(Amount);

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().and_then(Amount::from_float);
        number.map(Self).ok_or_else(|| format!("`{text}` is not a number above 0"))
    }
}

#[derive(Debug, Clone, Copy)]
struct Bytes(Amount);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || format!("`{text}` is not an amount: write it like `500KB` or `5MB`");
        let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let number: f64 = text[..at].parse().map_err(|_| refusal())?;
        let factor = match text[at..].to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            _ => return Err(refusal()),
        };
        Amount::from_float(number * factor).map(Self).ok_or_else(refusal)
    }
}

#[derive(Debug, Clone)]
struct Gauge(GaugeName, Amount);

impl FromStr for Gauge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.split_once('=').ok_or("write it as `jobs_waiting=20`")?;
        let Number(target) = number.parse()?;
        Ok(Self(name.parse().map_err(|error| format!("{error}"))?, target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_bytes_count_in_thousands() {
        let bytes = |text: &str| text.parse::<Bytes>().map(|bytes| bytes.0);
        assert_eq!(bytes("5MB"), Ok(Amount::whole(5_000_000)));
        assert_eq!(bytes("1.5k"), Ok(Amount::whole(1500)));
        for bad in ["", "MB", "5MiB", "-1", "5 TB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn how_far_back_is_a_number_with_a_unit() {
        assert_eq!("7d".parse::<Since>().unwrap().0, Millis(604_800_000));
        for bad in ["", "7", "d", "31d", "-1d", "1w"] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }
}
