//! What is measured, for other systems: gathered when it is asked for, told to the API over a
//! socket in the data directory, and pushed to a collector where there is one.
//!
//! Counts come from those who count (nginx, the kernel's control groups, the database) and are told
//! as they stand, so that they survive a restart of this process. What cannot be read is absent.

mod apps;
mod gauges;
mod latency;
mod listener;
mod push;
mod server;

use std::time::Duration;

use slipway_core::telemetry::{Family, bound};
use tokio::time::timeout;

use crate::context::{Host, Shared};

pub use self::gauges::{Gauges, scrape};
pub use self::listener::listen;
pub use self::push::push;

/// How long one of the parts may take; without it the others are told.
const PATIENCE: Duration = Duration::from_secs(4);

/// Everything that is known now, bounded.
pub async fn gather<H: Host>(context: &Shared<H>) -> Vec<Family> {
    let (apps, server) = tokio::join!(
        timeout(PATIENCE, apps::families(context)),
        timeout(PATIENCE, server::families(context)),
    );
    let mut families = server.unwrap_or_default();
    match apps {
        Ok(Ok(found)) => families.extend(found),
        Ok(Err(error)) => tracing::warn!(%error, "could not gather what apps do"),
        Err(_) => tracing::warn!("could not gather what apps do in time"),
    }
    bound(&mut families);
    families
}

#[expect(clippy::cast_precision_loss, reason = "exact to 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
