//! Times, medians, and the moment something becomes true.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use slipway_tests::http::Site;
use tokio::time::sleep;

/// Between two looks: short against everything that is timed here.
const GLANCE: Duration = Duration::from_millis(4);
const PATIENCE: Duration = Duration::from_mins(2);

/// The middle value; the upper of two.
///
/// # Errors
/// When nothing was measured.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> anyhow::Result<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.get(sorted.len() / 2).copied().context("nothing was measured")
}

/// Runs until the site answers with this body.
///
/// # Errors
/// When it does not within two minutes.
pub async fn until_answered(site: &Site, body: &str) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let last = site.text("/").await;
        if last.as_deref().is_ok_and(|text| text.contains(body)) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "`{body}` never came, last was {last:?}");
        sleep(GLANCE).await;
    }
}

/// Milliseconds, for the table.
pub fn in_ms(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1000.0)
}

/// How many times the second fits into the first.
pub fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}
