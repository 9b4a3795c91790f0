//! Live streams of the API, passed on to a browser in the name of the person who looks.
//!
//! A stream that ends, for whatever cause, is opened again by the browser with the id of the last
//! event it saw; so is one whose access token has ended, and the new request renews the session. The
//! page's script opens again what the browser gave up.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use slipway_client::{ClientError, Updates};

/// Most items of the API that become one batch.
const BATCH: usize = 256;
/// A comment this often tells a dead connection from a silent one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where a page's own lines end, or what its script saw last. What the browser opens again by itself
/// says it in a header, which is newer.
#[derive(Debug, Default, Deserialize)]
pub struct After {
    #[serde(default)]
    after: Option<String>,
}

impl After {
    /// The id to resume after.
    pub fn resume(self, headers: &HeaderMap) -> Option<String> {
        let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok());
        let seen = seen.filter(|id| is_id(id)).map(str::to_owned);
        seen.or(self.after.filter(|id| is_id(id)))
    }
}

/// Whether a text can be an id: numbers, and what stands between several of them. Anything else
/// would be refused by the API, or could not be a field of an event.
pub fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Sends what `translate` makes of each batch of items, until the API's stream ends or fails.
pub fn relay<T, F>(updates: Updates<T>, mut translate: F) -> Response
where
    T: Send + 'static,
    F: FnMut(Vec<(Option<String>, T)>) -> Vec<Event> + Send + 'static,
{
    let events = whole(updates)
        .ready_chunks(BATCH)
        .flat_map(move |batch| stream::iter(translate(batch)))
        .map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn whole<T: Send + 'static>(
    updates: Updates<T>,
) -> impl Stream<Item = (Option<String>, T)> + Send + 'static {
    updates
        .take_while(|update| {
            let goes_on = update.as_ref().inspect_err(|error| note(error)).is_ok();
            std::future::ready(goes_on)
        })
        .filter_map(|update| std::future::ready(update.ok()))
}

fn note(error: &ClientError) {
    tracing::info!(%error, "a live stream of the console ended");
}

/// An event of this name. Its data is JSON, in which no text can end the line.
pub fn event<T: Serialize>(name: &'static str, id: Option<&str>, data: &T) -> Event {
    let data = serde_json::to_string(data).expect("views are valid JSON");
    let event = Event::default().event(name).data(data);
    match id.filter(|id| is_id(id)) {
        Some(id) => event.id(id),
        None => event,
    }
}
