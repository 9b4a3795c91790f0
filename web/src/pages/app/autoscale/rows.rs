//! What the autoscaler decided, in a line each.

use serde::Serialize;
use slipway_core::autoscale::{AutoscaleSettings, Effect, Verdict};
use slipway_core::time::Timestamp;
use slipway_core::wire::autoscale::{AutoscaleInfo, DecisionInfo};

use crate::view::badge::Tone;
use crate::view::moment::Moment;
use crate::view::prose::{Piece, sentence};

/// A decision.
#[derive(Debug, Serialize)]
pub struct DecisionRow {
    tone: Tone,
    process: String,
    count: u32,
    sentence: Vec<Piece>,
    at: Moment,
}

impl DecisionRow {
    pub fn new(decision: &DecisionInfo, now: Timestamp) -> Self {
        Self {
            tone: tone(decision.decision.verdict),
            process: decision.process.to_string(),
            count: decision.decision.count,
            sentence: sentence(&decision.decision.sentence),
            at: Moment::new(decision.at, now),
        }
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict.effect() {
        Effect::More => Tone::Good,
        Effect::Fewer => Tone::Busy,
        Effect::Hindered => Tone::Warn,
        Effect::Kept => Tone::Idle,
    }
}

/// Why a process runs as many instances as it does.
pub fn why(info: &AutoscaleInfo) -> Vec<Piece> {
    match (info.paused, &info.present) {
        (true, _) => sentence("paused: the count was set to 0 by hand"),
        (false, Some(present)) => sentence(&present.decision.sentence),
        (false, None) => sentence("the first decision is made within seconds"),
    }
}

/// The bounds and targets of a process in a line: `1 to 8, at cpu 60`.
pub fn in_short(settings: &AutoscaleSettings) -> String {
    let AutoscaleSettings { min, max, targets, .. } = settings;
    let targets: Vec<String> =
        targets.iter().map(|(metric, target)| format!("{metric} {target}")).collect();
    if targets.is_empty() {
        format!("{min} to {max}")
    } else {
        format!("{min} to {max}, at {}", targets.join(", "))
    }
}
