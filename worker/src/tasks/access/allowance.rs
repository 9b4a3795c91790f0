//! How many lines of requests an app may write.

use slipway_core::time::Timestamp;

/// A bucket of lines: it holds [`MOST`](Self::MOST), and [`A_SECOND`](Self::A_SECOND) come back
/// each second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    left: usize,
    filled_at: Timestamp,
}

impl Allowance {
    /// Lines at once. A page with all it loads is some dozens.
    pub(super) const MOST: usize = 2_000;
    /// Lines a second for good: at about 330 bytes each, the log's share of requests lasts for two
    /// and a half minutes of any flood, and for hours of ordinary traffic.
    pub(super) const A_SECOND: usize = 200;

    pub(super) fn full(now: Timestamp) -> Self {
        Self { left: Self::MOST, filled_at: now }
    }

    pub(super) fn left(&self) -> usize {
        self.left
    }

    pub(super) fn is_full(&self) -> bool {
        self.left == Self::MOST
    }

    /// Gives back what the time since the last time earns. A clock that jumped back earns nothing.
    pub(super) fn refill(&mut self, now: Timestamp) {
        let elapsed_ms = usize::try_from(now.since(self.filled_at).0).unwrap_or(usize::MAX);
        let earned = elapsed_ms.saturating_mul(Self::A_SECOND) / 1000;
        if earned > 0 || now < self.filled_at {
            self.left = self.left.saturating_add(earned).min(Self::MOST);
            self.filled_at = now;
        }
    }

    pub(super) fn spend(&mut self, lines: usize) {
        self.left = self.left.saturating_sub(lines);
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::time::Millis;

    use super::*;

    #[test]
    fn an_allowance_is_spent_and_earned_back_with_time() {
        let start = Timestamp(1_000_000);
        let mut allowance = Allowance::full(start);
        allowance.spend(Allowance::MOST + 7);
        assert_eq!(allowance.left(), 0);
        allowance.refill(start + Millis(4));
        assert_eq!(allowance.left(), 0, "not even one line's worth of time");
        allowance.refill(start + Millis(500));
        assert_eq!(allowance.left(), Allowance::A_SECOND / 2);
        allowance.refill(Timestamp(0));
        assert_eq!(allowance.left(), Allowance::A_SECOND / 2, "time that went back earns nothing");
        allowance.refill(Timestamp(0) + Millis::from_secs(3600));
        assert!(allowance.is_full());
    }
}
