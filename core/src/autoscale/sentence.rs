//! A decision in words.

use super::advice::MetricAdvice;
use super::decide::{Input, Numbers, Verdict};
use super::settings::AutoscaleSettings;
use crate::metric::{Metric, Unit};

/// One sentence, lower case, no period.
pub fn of(
    settings: &AutoscaleSettings,
    input: &Input<'_>,
    numbers: &Numbers,
    count: u32,
    verdict: Verdict,
) -> String {
    let from = numbers.from;
    let why = why(numbers);
    let stays = stays(from);
    match verdict {
        Verdict::Up => {
            format!("up from {from} to {count}: {why}{}", limit(settings, numbers, count))
        }
        Verdict::Down => format!("down from {from} to {count}: {why}"),
        Verdict::Sleep => {
            format!(
                "down from {from} to 0: no request and no open connection for {}",
                settings.idle_ms
            )
        }
        Verdict::Steady => format!("{stays}: {why}"),
        Verdict::AtMax => format!("{stays}: {why}, and {} is the maximum", settings.max),
        Verdict::AtHostCapacity => {
            let room = input.room.unwrap_or_default();
            format!("{stays}: {why}, but the host's memory holds no more than {}", room.max(from))
        }
        Verdict::Pacing => format!("{stays} for now: {why}, but the count grew within 15 s"),
        Verdict::CoolingDown => format!(
            "{stays} for now: {why}, but more were wanted within {}, or half of them went within 1 min",
            settings.down_window_ms
        ),
        Verdict::RollingOut => format!("{stays}: {why}, but never fewer during a rollout"),
        Verdict::Settling => {
            format!("{stays}: a rollout ended less than {} ago", settings.warm_up_ms)
        }
        Verdict::Blind => format!("{stays}: {}", blind(numbers)),
        Verdict::Paused => "paused: the count was set to 0 by hand".to_owned(),
        Verdict::Wake => format!("up from {from} to {count}: a request woke it"),
        Verdict::Asleep => "asleep: the next request wakes it".to_owned(),
    }
}

fn stays(count: u32) -> String {
    if count == 1 { "1 stays".to_owned() } else { format!("{count} stay") }
}

/// What the metric that wants most says.
fn why(numbers: &Numbers) -> String {
    let leading = numbers.metrics.iter().filter(|advice| advice.wants.is_some());
    // Of several that want as many, the first in the order of lists.
    let leading = leading.rev().max_by_key(|advice| advice.wants);
    let Some(advice) = leading else {
        return format!("{} by the bounds", are(numbers.wanted.unwrap_or(numbers.from)));
    };
    let wants = advice.wants.unwrap_or_default();
    let leap = if advice.leap { " in the newest samples" } else { "" };
    format!("{}{leap}, which asks for {wants}", against(advice))
}

fn are(count: u32) -> String {
    if count == 1 { "1 is asked for".to_owned() } else { format!("{count} are asked for") }
}

fn against(advice: &MetricAdvice) -> String {
    let unit = unit(&advice.metric);
    let value = advice.value.unwrap_or_default();
    format!("{} is at {value}{unit} against {}{unit}", advice.metric, advice.target)
}

/// What kept a step upwards smaller than wanted.
fn limit(settings: &AutoscaleSettings, numbers: &Numbers, count: u32) -> String {
    let wanted = numbers.metrics.iter().filter_map(|advice| advice.wants).max().unwrap_or(count);
    if wanted <= count {
        String::new()
    } else if count == settings.max {
        format!("; {count} is the maximum")
    } else if numbers.room == Some(count) {
        format!("; the host's memory holds {count}")
    } else {
        "; at most twice as many, or two more, within 15 s".to_owned()
    }
}

fn blind(numbers: &Numbers) -> String {
    let unread = numbers.metrics.iter().filter(|advice| advice.wants.is_none());
    let names: Vec<String> = unread.map(|advice| advice.metric.to_string()).collect();
    let (measured, instances) = (numbers.measured, numbers.instances);
    format!("{} can be read of {measured} of {instances} instances", names.join(" and "))
}

fn unit(metric: &Metric) -> &'static str {
    match metric.unit() {
        Unit::PerSecond => "/s",
        Unit::Percent => " %",
        Unit::Milliseconds => " ms",
        Unit::Bytes => " bytes",
        Unit::BytesPerSecond => " bytes/s",
        Unit::Count | Unit::Number => "",
    }
}
