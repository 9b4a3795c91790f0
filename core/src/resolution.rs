//! How finely samples are kept for how long, and how a range of time is drawn from them.
//!
//! ```text
//!   5 s for 1 h ──rolled up──▶ 1 min for 2 days ──rolled up──▶ 10 min for 30 days
//! ```

use serde::{Deserialize, Serialize};

use crate::sample::Recorded;
use crate::time::{Millis, Timestamp};

/// Most points a range is drawn with.
pub const MOST_POINTS: u32 = 1000;
/// Points a range is drawn with unless asked for otherwise.
pub const POINTS: u32 = 240;

/// How long the interval of a stored sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    FiveSeconds,
    Minute,
    TenMinutes,
}

impl Resolution {
    /// From the finest to the coarsest.
    pub const ALL: [Self; 3] = [Self::FiveSeconds, Self::Minute, Self::TenMinutes];

    /// How long one interval is.
    pub const fn span(self) -> Millis {
        match self {
            Self::FiveSeconds => Millis::from_secs(5),
            Self::Minute => Millis::from_secs(60),
            Self::TenMinutes => Millis::from_secs(600),
        }
    }

    /// How long samples are kept.
    pub const fn kept_for(self) -> Millis {
        match self {
            Self::FiveSeconds => Millis::from_secs(3600),
            Self::Minute => Millis::from_secs(2 * 24 * 3600),
            Self::TenMinutes => Millis::from_secs(30 * 24 * 3600),
        }
    }

    /// What these samples are rolled up into.
    pub const fn coarser(self) -> Option<Self> {
        match self {
            Self::FiveSeconds => Some(Self::Minute),
            Self::Minute => Some(Self::TenMinutes),
            Self::TenMinutes => None,
        }
    }

    /// What these samples are rolled up from.
    pub const fn finer(self) -> Option<Self> {
        match self {
            Self::FiveSeconds => None,
            Self::Minute => Some(Self::FiveSeconds),
            Self::TenMinutes => Some(Self::Minute),
        }
    }

    /// Whether samples of single instances are kept, beside those of whole processes.
    pub const fn has_instances(self) -> bool {
        !matches!(self, Self::TenMinutes)
    }

    /// The beginning of the interval that `at` lies in. Intervals begin at multiples of their
    /// length since the epoch, so that those of two runs of Slipway are the same.
    pub fn slot(self, at: Timestamp) -> Timestamp {
        slot(at, self.span())
    }

    /// What a range that begins at `since` is drawn from when its points are `step` apart: the
    /// coarsest that has a sample for every point, or the finest that reaches back that far.
    pub fn answering(since: Timestamp, step: Millis, now: Timestamp) -> Self {
        let coarse_enough = Self::ALL.into_iter().rev().find(|one| one.span() <= step);
        let mut chosen = coarse_enough.unwrap_or(Self::FiveSeconds);
        while let Some(coarser) = chosen.coarser()
            && now.since(since) > chosen.kept_for()
        {
            chosen = coarser;
        }
        chosen
    }
}

fn slot(at: Timestamp, span: Millis) -> Timestamp {
    let span = i64::try_from(span.0).unwrap_or(i64::MAX).max(1);
    Timestamp(at.0.div_euclid(span) * span)
}

/// The points a range is drawn with: equally long steps, the last of which may still be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    pub resolution: Resolution,
    /// Where the first step begins: at `since`, or up to a step earlier.
    pub start: Timestamp,
    pub step: Millis,
    pub points: usize,
}

impl Axis {
    /// The axis from `since` to `until` with about `points` points: at most one more, and never
    /// more than [`MOST_POINTS`] and one.
    pub fn over(since: Timestamp, until: Timestamp, points: u32, now: Timestamp) -> Self {
        let range = until.since(since).0.max(1);
        let wanted = Millis(range.div_ceil(u64::from(points.clamp(1, MOST_POINTS))));
        let resolution = Resolution::answering(since, wanted, now);
        let step = Millis(wanted.0.next_multiple_of(resolution.span().0));
        let start = slot(since, step);
        let points = until.since(start).0.div_ceil(step.0).max(1);
        Self { resolution, start, step, points: usize::try_from(points).unwrap_or(usize::MAX) }
    }

    /// Where every step begins.
    pub fn times(self) -> impl Iterator<Item = Timestamp> {
        (0_u64..).take(self.points).map(move |step| self.start + Millis(step * self.step.0))
    }

    /// The samples of one subject, by when their interval began and in order, drawn together into
    /// one for each point; `None` where there is none. Those beside the axis are left out.
    pub fn gather<S: Recorded>(
        self,
        samples: impl IntoIterator<Item = (Timestamp, S)>,
    ) -> Vec<Option<S>> {
        let mut drawn: Vec<Option<S>> = Vec::new();
        drawn.resize_with(self.points, || None);
        for (at, sample) in samples {
            if at < self.start {
                continue;
            }
            let step = at.since(self.start).0 / self.step.0;
            let point = usize::try_from(step).ok().and_then(|step| drawn.get_mut(step));
            match point {
                Some(Some(earlier)) => earlier.append(&sample),
                Some(point @ None) => *point = Some(sample),
                None => {}
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::Metric;
    use crate::sample::{Sample, Traffic};

    const HOUR: u64 = 3_600_000;
    const NOW: Timestamp = Timestamp(1_795_640_000_123);

    fn back(hours: u64) -> Axis {
        Axis::over(NOW - Millis(hours * HOUR), NOW, POINTS, NOW)
    }

    #[test]
    fn each_range_is_drawn_from_the_samples_that_reach_that_far() {
        let drawn: Vec<(Resolution, u64)> = [1, 2, 6, 24, 48, 7 * 24, 30 * 24]
            .map(|hours| (back(hours).resolution, back(hours).step.0 / 1000))
            .into();
        let (five, minute, ten) =
            (Resolution::FiveSeconds, Resolution::Minute, Resolution::TenMinutes);
        let expected = [
            (five, 15),
            (minute, 60),
            (minute, 120),
            (minute, 360),
            (ten, 1200),
            (ten, 3000),
            (ten, 10_800),
        ];
        assert_eq!(drawn, expected);
    }

    #[test]
    fn an_old_hour_is_drawn_from_what_is_left_of_it() {
        let axis = Axis::over(NOW - Millis(73 * HOUR), NOW - Millis(72 * HOUR), POINTS, NOW);
        assert_eq!((axis.resolution, axis.step), (Resolution::TenMinutes, Millis(600_000)));
    }

    #[test]
    fn slots_begin_at_multiples_of_their_length() {
        assert_eq!(Resolution::Minute.slot(Timestamp(119_999)), Timestamp(60_000));
        assert_eq!(Resolution::FiveSeconds.slot(Timestamp(10_000)), Timestamp(10_000));
    }

    #[test]
    fn points_without_samples_stay_empty() {
        let axis = Axis::over(Timestamp(0), Timestamp(20_000), 4, Timestamp(20_000));
        let one = Sample::over(Millis(5000)).with_traffic(Traffic::default());
        let drawn = axis.gather([(Timestamp(5000), one.clone()), (Timestamp(99_000), one)]);
        let rates: Vec<_> = drawn.iter().map(|point| Metric::Rps.value(point.as_ref()?)).collect();
        assert_eq!(rates, [None, Some(0.0), None, None]);
    }

    proptest! {
        #[test]
        fn an_axis_is_bounded_and_covers_its_range(
            range in 1..40 * 24 * HOUR, age in 0..40 * 24 * HOUR, points in 0..5000_u32,
        ) {
            let until = NOW - Millis(age);
            let since = until - Millis(range);
            let axis = Axis::over(since, until, points, NOW);
            prop_assert!(axis.points <= points.clamp(1, MOST_POINTS) as usize + 1);
            prop_assert!(axis.start <= since && since.since(axis.start) < axis.step);
            let end = axis.times().last().unwrap() + axis.step;
            prop_assert!(end >= until, "{axis:?}");
            prop_assert_eq!(axis.step.0 % axis.resolution.span().0, 0);
        }

        #[test]
        fn drawing_loses_no_request(counts in prop::collection::vec(0..50_u64, 1..200), points in 1..50_u32) {
            let span = Millis(5000);
            let until = Timestamp(0) + Millis(span.0 * counts.len() as u64);
            let axis = Axis::over(Timestamp(0), until, points, until);
            let samples = counts.iter().zip(0_u64..).map(|(count, slot)| {
                let traffic = Traffic { responses: [0, *count, 0, 0, 0], ..Traffic::default() };
                (Timestamp(0) + Millis(slot * span.0), Sample::over(span).with_traffic(traffic))
            });
            let drawn = axis.gather(samples);
            let requests = drawn.iter().flatten().filter_map(|sample| sample.traffic.as_ref());
            let total: u64 = requests.map(|traffic| traffic.value.requests()).sum();
            prop_assert_eq!(total, counts.iter().sum::<u64>());
        }
    }
}
