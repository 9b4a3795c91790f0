//! What happened on this server, the newest first.

use axum::response::Response;
use serde::Serialize;

use crate::failure::Failure;
use crate::templates::View;
use crate::view::happening::{Happening, newest_first};
use crate::visit::{Page, Visit};

const SHOWN: usize = 100;
/// Seconds between two looks.
const REFRESH_S: u32 = 5;

/// The feed.
#[derive(Debug, Serialize)]
pub struct EventsPage {
    pub events: Vec<Happening>,
}

impl View for EventsPage {
    const TEMPLATE: &'static str = "events.html";
}

/// Shows the feed.
pub async fn show(mut visit: Visit) -> Response {
    let page = load(&mut visit).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit) -> Result<Page<EventsPage>, Failure> {
    let (events, status) = visit
        .ask(|client| async move { tokio::try_join!(client.events(None, None), client.status()) })
        .await?;
    let events = newest_first(events, status.now).into_iter().take(SHOWN).collect();
    Ok(Page { view: EventsPage { events }, status, refresh_s: Some(REFRESH_S) })
}
