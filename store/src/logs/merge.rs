//! Two shelves as one log, in the order of its lines' times.

use std::collections::VecDeque;

use slipway_core::log::LogLine;

use super::backward::Tail;
use super::{LogPage, LogPosition, LogTail};

type Line = (u64, LogLine);
type Merged = (LogPosition, LogLine);

/// Merges what was read on. Where one shelf has more to read, the other's lines wait for it: they
/// may be younger than what comes next there.
pub(super) fn pages(words: LogPage, access: LogPage) -> LogPage<LogPosition> {
    let from = LogPosition { words: words.from, access: access.from };
    let (words_more, access_more) = (words.more, access.more);
    let truncated = words.truncated || access.truncated;
    let mut merge = Merge {
        words: words.lines.into(),
        access: access.lines.into(),
        at: from,
        lines: Vec::new(),
    };
    loop {
        let wait =
            (merge.words.is_empty() && words_more) || (merge.access.is_empty() && access_more);
        if wait || !merge.step() {
            break;
        }
    }
    let next = LogPosition {
        words: if merge.words.is_empty() { words.next } else { merge.at.words },
        access: if merge.access.is_empty() { access.next } else { merge.at.access },
    };
    let more = words_more || access_more;
    LogPage { lines: merge.lines, from, next, truncated, more }
}

/// Merges what was found looking back, down to the last `count` lines.
pub(super) fn tails(count: usize, words: Tail, access: Tail) -> LogTail {
    let next = LogPosition { words: words.next, access: access.next };
    let reached = LogPosition { words: words.reached, access: access.reached };
    let more = words.more || access.more;
    // Each line's position tells where both shelves are behind it, so it begins where they end.
    let mut merge = Merge {
        words: words.lines.into(),
        access: access.lines.into(),
        at: reached,
        lines: Vec::new(),
    };
    while merge.step() {}
    let surplus = merge.lines.len().saturating_sub(count);
    let cut = merge.lines.drain(..surplus).next_back();
    let before = cut.map(|(position, _)| position).or_else(|| more.then_some(reached));
    LogTail { lines: merge.lines, next, before }
}

struct Merge {
    words: VecDeque<Line>,
    access: VecDeque<Line>,
    /// Behind the lines that were taken.
    at: LogPosition,
    lines: Vec<Merged>,
}

impl Merge {
    /// Takes the older one of the next two lines; whether there was one.
    fn step(&mut self) -> bool {
        let requests_first = match (self.words.front(), self.access.front()) {
            (Some((_, word)), Some((_, request))) => request.at < word.at,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let next = if requests_first { self.access.pop_front() } else { self.words.pop_front() };
        let Some((position, line)) = next else { return false };
        let at = if requests_first { &mut self.at.access } else { &mut self.at.words };
        *at = position;
        self.lines.push((self.at, line));
        true
    }
}
