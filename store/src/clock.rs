//! The clock's one home.

use std::time::{SystemTime, UNIX_EPOCH};

use slipway_core::time::Timestamp;

/// The time by this machine's clock. Zero on a clock that stands before 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
