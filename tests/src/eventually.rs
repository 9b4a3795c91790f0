//! Waiting for a state instead of for a time.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep, timeout_at};

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// A machine that does other things too takes this many times longer.
const BUSY: u32 = 3;

/// Looks until `look` succeeds, which takes at most `within` on a machine that has nothing else to do,
/// and gives up after three times that with what the last look said.
///
/// # Errors
/// When the time is up. `what` names the awaited state in the message.
pub async fn eventually<T, F, L>(what: impl Display, within: Duration, look: L) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
    L: Fn() -> F,
{
    let within = within * BUSY;
    let end = Instant::now() + within;
    let mut last = anyhow!("not even one look ended in time");
    loop {
        match timeout_at(end, look()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => last = error,
            Err(_) => {}
        }
        if Instant::now() >= end {
            return Err(last.context(format!("not within {} s: {what}", within.as_secs_f32())));
        }
        sleep(BETWEEN_LOOKS).await;
    }
}
