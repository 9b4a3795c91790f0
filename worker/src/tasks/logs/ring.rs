//! What an instance wrote and the log has not taken yet.

use std::collections::VecDeque;

use slipway_core::time::Timestamp;

/// Most that waits, in bytes of text and what each line costs besides.
const MOST_WAITING: usize = 4 * 1024 * 1024;
/// Most that is written at once.
const MOST_AT_ONCE: usize = 4 * 1024 * 1024;
/// What may be written each second for good: some 5 000 lines. It leaves disk and readers to other
/// apps whatever one of them prints, and an hour of ordinary output takes no time at all.
const A_SECOND: usize = 1024 * 1024;
/// What a line costs besides its text, in memory as well as in the log.
const LINE: usize = 100;

/// Lines in the order they came; when they are too many, the oldest go.
#[derive(Debug)]
pub(super) struct Ring {
    lines: VecDeque<(Timestamp, String)>,
    bytes: usize,
    dropped: u64,
    allowed: usize,
    filled_at: Timestamp,
}

/// What may be written now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// How many lines went that stood before these.
    pub dropped: u64,
    pub lines: Vec<(Timestamp, String)>,
}

impl Ring {
    pub(super) fn new(now: Timestamp) -> Self {
        let lines = VecDeque::new();
        Self { lines, bytes: 0, dropped: 0, allowed: MOST_AT_ONCE, filled_at: now }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn push(&mut self, at: Timestamp, text: String) {
        self.bytes += cost(&text);
        self.lines.push_back((at, text));
        while self.bytes > MOST_WAITING {
            let Some((_, oldest)) = self.lines.pop_front() else { return };
            self.bytes -= cost(&oldest);
            self.dropped += 1;
        }
    }

    /// The oldest lines, as many as the time since the last call allows.
    pub(super) fn take(&mut self, now: Timestamp) -> Taken {
        let elapsed_ms = usize::try_from(now.since(self.filled_at).0).unwrap_or(usize::MAX);
        let earned = elapsed_ms.saturating_mul(A_SECOND) / 1000;
        self.allowed = self.allowed.saturating_add(earned).min(MOST_AT_ONCE);
        self.filled_at = now;
        let mut lines = Vec::new();
        while let Some((_, text)) = self.lines.front() {
            let cost = cost(text);
            if cost > self.allowed {
                break;
            }
            self.allowed -= cost;
            self.bytes -= cost;
            lines.extend(self.lines.pop_front());
        }
        // Said where they are missing: before a line that is written.
        let dropped = if lines.is_empty() { 0 } else { std::mem::take(&mut self.dropped) };
        Taken { dropped, lines }
    }

    /// All that waits, however much it is.
    pub(super) fn take_all(&mut self) -> Taken {
        self.bytes = 0;
        Taken { dropped: std::mem::take(&mut self.dropped), lines: self.lines.drain(..).collect() }
    }
}

fn cost(text: &str) -> usize {
    text.len() + LINE
}

#[cfg(test)]
mod tests {
    use slipway_core::time::Millis;

    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    /// Pushes lines of 900 bytes that begin with these numbers.
    fn push(ring: &mut Ring, numbers: std::ops::Range<usize>) {
        for number in numbers {
            ring.push(START, format!("{number:900}"));
        }
    }

    fn numbers(taken: &Taken) -> Vec<usize> {
        taken.lines.iter().map(|(_, text)| text.trim().parse().unwrap()).collect()
    }

    #[test]
    fn ordinary_output_passes_whole_and_at_once() {
        let mut ring = Ring::new(START);
        push(&mut ring, 0..1000);
        let taken = ring.take(START);
        assert_eq!((numbers(&taken), taken.dropped), ((0..1000).collect(), 0));
        assert!(ring.is_empty());
        assert_eq!(ring.take(START), Taken::default());
    }

    #[test]
    fn of_a_flood_the_oldest_lines_go_and_are_counted() {
        let mut ring = Ring::new(START);
        push(&mut ring, 0..50_000);
        assert!(ring.bytes <= MOST_WAITING);
        let taken = ring.take(START);
        let kept = numbers(&taken);
        assert_eq!(kept.last(), Some(&49_999), "the newest are kept");
        assert_eq!(usize::try_from(taken.dropped).unwrap() + kept.len(), 50_000);
        assert_eq!(kept, (50_000 - kept.len()..50_000).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_written_each_second_is_bounded_for_good() {
        let mut ring = Ring::new(START);
        let mut written = 0;
        for tenth in 1..=200 {
            push(&mut ring, 0..5_000);
            let taken = ring.take(START + Millis(tenth * 100));
            written += taken.lines.iter().map(|(_, text)| cost(text)).sum::<usize>();
        }
        let allowed = MOST_AT_ONCE + 20 * A_SECOND;
        assert!((allowed - A_SECOND..=allowed).contains(&written), "{written} of {allowed}");
    }

    #[test]
    fn the_last_lines_are_taken_whatever_was_allowed() {
        let mut ring = Ring::new(START);
        push(&mut ring, 0..10_000);
        ring.take(START);
        push(&mut ring, 0..100);
        assert!(ring.take(START).lines.len() < 100);
        let rest = ring.take_all();
        assert_eq!(numbers(&rest).last(), Some(&99));
        assert!(ring.is_empty());
    }
}
