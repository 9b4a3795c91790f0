//! Counting attempts within a window of time, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How long an attempt counts.
pub const WINDOW: Duration = Duration::from_mins(15);
/// Most keys remembered; the oldest is forgotten first.
const REMEMBERED: usize = 10_000;

/// Attempts by key. A key that has reached the limit has to wait for the end of its window.
pub struct Attempts<K> {
    limit: u32,
    seen: HashMap<K, Window>,
}

struct Window {
    began: Instant,
    count: u32,
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    pub fn new(limit: u32) -> Self {
        Self { limit, seen: HashMap::new() }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// How long to wait, when the limit is reached.
    pub fn count(&mut self, key: &K, now: Instant) -> Result<(), Duration> {
        self.make_room(now);
        let window = self.seen.entry(key.clone()).or_insert(Window { began: now, count: 0 });
        let age = now.saturating_duration_since(window.began);
        if age >= WINDOW {
            *window = Window { began: now, count: 0 };
        } else if window.count >= self.limit {
            return Err(WINDOW.saturating_sub(age));
        }
        window.count += 1;
        Ok(())
    }

    /// Takes one attempt back.
    pub fn take_back(&mut self, key: &K) {
        if let Some(window) = self.seen.get_mut(key) {
            window.count = window.count.saturating_sub(1);
        }
    }

    /// Forgets all attempts of a key.
    pub fn forget(&mut self, key: &K) {
        self.seen.remove(key);
    }

    fn make_room(&mut self, now: Instant) {
        if self.seen.len() < REMEMBERED {
            return;
        }
        self.seen.retain(|_, window| now.saturating_duration_since(window.began) < WINDOW);
        if self.seen.len() >= REMEMBERED {
            let oldest = self.seen.iter().min_by_key(|(_, window)| window.began);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.seen.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_until_the_window_ends() {
        let mut attempts = Attempts::new(3);
        let now = Instant::now();
        for _ in 0..3 {
            assert!(attempts.count(&"ada", now).is_ok());
        }
        let later = now + Duration::from_mins(1);
        assert_eq!(attempts.count(&"ada", later), Err(Duration::from_mins(14)));
        assert!(attempts.count(&"bob", later).is_ok());
        assert!(attempts.count(&"ada", now + WINDOW).is_ok());
    }

    #[test]
    fn memory_stays_bounded_under_many_keys() {
        let mut attempts = Attempts::new(2);
        let now = Instant::now();
        for number in 0..REMEMBERED + 100 {
            assert!(attempts.count(&number, now).is_ok());
        }
        assert!(attempts.seen.len() <= REMEMBERED);
    }
}
