//! From advice to a count: bounds, the host, and the pace.

use serde::{Deserialize, Serialize};

use super::advice::{Advice, MetricAdvice};
use super::history::History;
use super::observation::{Subject, Tempo};
use super::sentence;
use super::settings::AutoscaleSettings;
use crate::time::Timestamp;

/// Whether instances are being replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollout {
    /// None that was seen.
    #[default]
    None,
    Underway,
    /// The last one ended then.
    Ended(Timestamp),
}

/// Everything a decision is made of, besides settings and history.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub now: Timestamp,
    /// How many are wanted now.
    pub current: u32,
    /// Whether somebody set the count to 0 by hand.
    pub paused: bool,
    pub rollout: Rollout,
    /// How many of this process the host's memory holds; `None` when that is not known.
    pub room: Option<u32>,
    /// Since when there was no request and no open connection; `None` while there is one, and when
    /// that is not known.
    pub idle_since: Option<Timestamp>,
    /// The instances that are wanted; draining ones are not among them.
    pub subjects: &'a [Subject],
    pub tempo: Tempo,
}

/// What a decision comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// More instances.
    Up,
    /// Fewer.
    Down,
    /// None: nobody has used it for the idle time.
    Sleep,
    /// Some again: a request came.
    Wake,
    /// As many as there are is right.
    Steady,
    /// More are wanted, and the `max` forbids it.
    AtMax,
    /// More are wanted, and the host's memory has no room.
    AtHostCapacity,
    /// More are wanted, but the count has just grown.
    Pacing,
    /// Fewer would do, but not for long enough yet.
    CoolingDown,
    /// Fewer would do, but not during a rollout.
    RollingOut,
    /// A rollout has just ended: its numbers are left aside.
    Settling,
    /// Something could not be read, so the count stays.
    Blind,
    /// Somebody set the count to 0 by hand.
    Paused,
    /// There are none until a request comes.
    Asleep,
}

impl Verdict {
    /// Whether it says only that all is well, and comes and goes with the noise of the load.
    pub fn is_ordinary(self) -> bool {
        matches!(self, Self::Steady | Self::CoolingDown | Self::Pacing)
    }

    /// What it does to the count.
    pub fn effect(self) -> Effect {
        match self {
            Self::Up | Self::Wake => Effect::More,
            Self::Down | Self::Sleep => Effect::Fewer,
            Self::AtMax | Self::AtHostCapacity | Self::Blind => Effect::Hindered,
            Self::Steady
            | Self::Pacing
            | Self::CoolingDown
            | Self::RollingOut
            | Self::Settling
            | Self::Paused
            | Self::Asleep => Effect::Kept,
        }
    }
}

/// What a decision does to the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It grows.
    More,
    /// It shrinks.
    Fewer,
    /// It stays although more are wanted, or because nobody knows: somebody may have to act.
    Hindered,
    /// It stays, as it should.
    Kept,
}

/// The numbers of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Numbers {
    /// The count before.
    pub from: u32,
    /// What the metrics want, within the bounds; `None` when they were not asked or not readable.
    pub wanted: Option<u32>,
    /// How many the host's memory holds.
    pub room: Option<u32>,
    /// Of the instances, those whose numbers are believed, and all.
    pub measured: u32,
    pub instances: u32,
    /// What each metric says.
    pub metrics: Vec<MetricAdvice>,
}

/// How many instances there should be, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Decision {
    pub count: u32,
    pub verdict: Verdict,
    /// For people.
    pub sentence: String,
    pub numbers: Numbers,
}

impl Decision {
    /// What a request to a process that sleeps comes to.
    pub fn wake(settings: &AutoscaleSettings) -> Self {
        let count = settings.awake_min();
        let sentence = format!("up from 0 to {count}: a request woke it");
        Self { count, verdict: Verdict::Wake, sentence, numbers: Numbers::default() }
    }
}

/// Decides. The same arguments give the same decision.
pub fn decide(settings: &AutoscaleSettings, history: &History, input: &Input<'_>) -> Decision {
    let mut numbers = Numbers { from: input.current, room: input.room, ..Numbers::default() };
    let (count, verdict) = count(settings, history, input, &mut numbers);
    let sentence = sentence::of(settings, input, &numbers, count, verdict);
    Decision { count, verdict, sentence, numbers }
}

impl History {
    /// Notes what a decision wanted, whether or not it could be had.
    pub fn note(&mut self, decision: &Decision, settings: &AutoscaleSettings, now: Timestamp) {
        if let Some(wanted) = decision.numbers.wanted {
            self.want(now, wanted, settings.down_window_ms);
        }
    }
}

fn count(
    settings: &AutoscaleSettings,
    history: &History,
    input: &Input<'_>,
    numbers: &mut Numbers,
) -> (u32, Verdict) {
    let Input { now, current, .. } = *input;
    if input.paused || (current == 0 && settings.min > 0) {
        return (current, Verdict::Paused);
    }
    if current == 0 {
        return (0, Verdict::Asleep);
    }
    let underway = input.rollout == Rollout::Underway;
    let idle = input.idle_since.is_some_and(|since| now.since(since) >= settings.idle_ms);
    if settings.min == 0 && idle && !underway {
        return (0, Verdict::Sleep);
    }
    if let Rollout::Ended(at) = input.rollout
        && now.since(at) < settings.warm_up_ms
    {
        return pace(settings, history, input, current, Verdict::Settling);
    }
    let wanted = advise(settings, input, numbers);
    let within = wanted.unwrap_or(current).clamp(settings.awake_min(), settings.max);
    numbers.wanted = Some(within);
    let hold = match wanted {
        Some(wanted) if wanted > settings.max && within == current => Verdict::AtMax,
        Some(_) => Verdict::Steady,
        None => Verdict::Blind,
    };
    pace(settings, history, input, within, hold)
}

/// Asks every metric; the most that one of them wants. `None` when the count is to stay because
/// something could not be read.
fn advise(settings: &AutoscaleSettings, input: &Input<'_>, numbers: &mut Numbers) -> Option<u32> {
    let from = match input.rollout {
        Rollout::Ended(at) => at.max(input.now - input.tempo.window),
        Rollout::None | Rollout::Underway => input.now - input.tempo.window,
    };
    let advice = Advice {
        now: input.now,
        current: input.current,
        subjects: input.subjects,
        warm_up: settings.warm_up_ms,
        from,
        tempo: input.tempo,
    };
    numbers.metrics =
        settings.targets.iter().map(|(metric, target)| advice.by(metric, *target)).collect();
    // The metric that is known of the fewest instances says how much the numbers are worth.
    let known = settings.targets.keys().map(|metric| advice.measured(metric)).min();
    (numbers.measured, numbers.instances) = known.unwrap_or_default();
    if settings.targets.is_empty() {
        return Some(input.current);
    }
    let most = numbers.metrics.iter().filter_map(|advice| advice.wants).max();
    let unreadable = numbers.metrics.iter().any(|advice| advice.wants.is_none());
    most.filter(|most| !unreadable || *most > input.current)
}

/// The step towards a count that is allowed now; `hold` when that is none because none is wanted.
fn pace(
    settings: &AutoscaleSettings,
    history: &History,
    input: &Input<'_>,
    wanted: u32,
    hold: Verdict,
) -> (u32, Verdict) {
    let Input { now, current, .. } = *input;
    let wanted = wanted.clamp(settings.awake_min(), settings.max);
    if wanted > current {
        let fits = input.room.map_or(wanted, |room| wanted.min(room.max(current)));
        let ceiling = history.ceiling(now, current).max(settings.awake_min());
        return match fits.min(ceiling) {
            next if next > current => (next, Verdict::Up),
            _ if fits == current => (current, Verdict::AtHostCapacity),
            _ => (current, Verdict::Pacing),
        };
    }
    if wanted == current {
        return (current, hold);
    }
    if input.rollout == Rollout::Underway {
        return (current, Verdict::RollingOut);
    }
    // What lies above the maximum goes at once: nobody wants it there any more.
    let within = current.min(settings.max);
    let lasting = history.most_wanted(now, wanted, settings.down_window_ms);
    let lowest = lasting.max(history.floor(now, current)).max(settings.awake_min());
    match lowest.min(within) {
        next if next < current => (next, Verdict::Down),
        _ => (current, Verdict::CoolingDown),
    }
}
