//! Following the feed of events.

use std::time::Duration;

use slipway_core::id::AppId;
use slipway_store::Topic;

use crate::live::sse::{Reader, StreamEnd};
use crate::state::ApiState;

/// Most events read at a time.
pub const PAGE: u32 = 500;
/// How long to wait for a hint before looking anyway.
const POLL: Duration = Duration::from_millis(250);

/// Sends events after an id, as they happen.
///
/// # Errors
/// When the reader goes, or the database does not answer.
pub async fn send(
    state: ApiState,
    app: Option<AppId>,
    mut after: i64,
    reader: Reader,
) -> Result<(), StreamEnd> {
    let mut wake = state.store.wakes().subscribe(Topic::Events);
    loop {
        let events = state.store.events(app.as_ref(), after, PAGE).await?;
        if events.is_empty() {
            wake.wait(POLL).await;
        }
        for event in events {
            after = event.id;
            reader.send(event.id, &event).await?;
        }
    }
}
