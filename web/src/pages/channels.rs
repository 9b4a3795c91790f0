//! Channels: who is told of alerts, and how the last message to each fared.

pub mod target;

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::name::ChannelName;
use slipway_core::time::Timestamp;
use slipway_core::wire::channel::{Channel, ChannelMade, Delivery, DeliveryState};

use crate::failure::{Failure, Refusal};
use crate::guard::Guarded;
use crate::pages::channels::target::{ChannelForm, Kind};
use crate::templates::View;
use crate::view::badge::Badge;
use crate::view::moment::Moment;
use crate::view::prose::{Piece, sentence};
use crate::visit::{Page, Visit};

/// The channels, the secret of the one that was just made, and the form for one more.
#[derive(Debug, Serialize)]
pub struct ChannelsPage {
    base: &'static str,
    channels: Vec<ChannelRow>,
    made: Option<MadeChannel>,
    kinds: Vec<KindChoice>,
    form: ChannelForm,
    refusal: Option<Refusal>,
}

#[derive(Debug, Serialize)]
struct ChannelRow {
    name: String,
    kind: String,
    target: String,
    app: Option<String>,
    latest: Option<LatestRow>,
}

/// The newest message to a channel.
#[derive(Debug, Serialize)]
struct LatestRow {
    badge: Badge,
    subject: String,
    error: Option<Vec<Piece>>,
    at: Moment,
}

#[derive(Debug, Serialize)]
struct MadeChannel {
    name: String,
    secret: String,
}

#[derive(Debug, Serialize)]
struct KindChoice {
    name: &'static str,
    label: &'static str,
    current: bool,
}

impl ChannelsPage {
    pub fn new(channels: Vec<Channel>, now: Timestamp) -> Self {
        Self {
            base: "/channels",
            channels: channels.into_iter().map(|channel| row(channel, now)).collect(),
            made: None,
            kinds: Vec::new(),
            form: ChannelForm::default(),
            refusal: None,
        }
        .with_form(ChannelForm::default(), None)
    }

    /// The same with this in its form, and what speaks against it.
    #[must_use]
    pub fn with_form(self, form: ChannelForm, refusal: Option<Refusal>) -> Self {
        let choice = |kind: Kind| KindChoice {
            name: kind.as_str(),
            label: kind.label(),
            current: kind == form.kind,
        };
        Self { kinds: Kind::ALL.map(choice).into(), form, refusal, ..self }
    }

    /// The same with the secret of a channel that was just made, when it has one.
    #[must_use]
    pub fn with_made(self, made: ChannelMade) -> Self {
        let name = made.channel.name.to_string();
        Self { made: made.secret.map(|secret| MadeChannel { name, secret }), ..self }
    }
}

fn row(channel: Channel, now: Timestamp) -> ChannelRow {
    ChannelRow {
        name: channel.name.to_string(),
        kind: channel.kind,
        target: channel.target,
        app: channel.app.map(|app| app.to_string()),
        latest: channel.latest.map(|latest| latest_row(latest, now)),
    }
}

fn latest_row(latest: Delivery, now: Timestamp) -> LatestRow {
    let error = latest.last_error.filter(|_| latest.sent_at.is_none());
    LatestRow {
        badge: match latest.state {
            DeliveryState::Waiting if error.is_some() => Badge::TRYING_AGAIN,
            state @ (DeliveryState::Waiting | DeliveryState::Sent | DeliveryState::Failed) => {
                Badge::from(state)
            }
        },
        subject: latest.subject,
        error: error.as_deref().map(sentence),
        at: Moment::new(latest.sent_at.unwrap_or(latest.created_at), now),
    }
}

impl View for ChannelsPage {
    const TEMPLATE: &'static str = "channels.html";
}

/// Which kind the form is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    kind: String,
}

/// The form has nothing but its token: the address says it all.
#[derive(Debug, Deserialize)]
pub struct BareForm {}

/// Shows the channels.
pub async fn show(mut visit: Visit, Query(asked): Query<Asked>) -> Response {
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == asked.kind);
    let form = ChannelForm::of_kind(kind.unwrap_or_default());
    let page = load(&mut visit, |page| page.with_form(form, None)).await;
    visit.answer(page)
}

async fn load(
    visit: &mut Visit,
    fill: impl FnOnce(ChannelsPage) -> ChannelsPage,
) -> Result<Page<ChannelsPage>, Failure> {
    let (channels, status) = visit
        .ask(|client| async move { tokio::try_join!(client.channels(), client.status()) })
        .await?;
    let view = fill(ChannelsPage::new(channels, status.now));
    Ok(Page { view, status, refresh_s: None })
}

/// Makes a channel, and shows a webhook's secret, which nothing else will.
pub async fn create(mut visit: Visit, Guarded(form): Guarded<ChannelForm>) -> Response {
    let page = match make(&mut visit, &form).await.map_err(Failure::into_refusal) {
        Ok(made) => load(&mut visit, |page| page.with_made(made)).await,
        Err(Ok(refusal)) => load(&mut visit, |page| page.with_form(form, Some(refusal))).await,
        Err(Err(failure)) => Err(failure),
    };
    visit.answer(page)
}

async fn make(visit: &mut Visit, form: &ChannelForm) -> Result<ChannelMade, Failure> {
    let channel = form.read().map_err(Failure::UnreadableForm)?;
    visit
        .ask(|client| {
            let channel = channel.clone();
            async move { client.create_channel(&channel).await }
        })
        .await
}

/// Sends a message; the page it leads to shows what becomes of it.
pub async fn test(mut visit: Visit, Path(name): Path<String>, _: Guarded<BareForm>) -> Response {
    let to = begin_test(&mut visit, &name).await;
    visit.lead(to)
}

async fn begin_test(visit: &mut Visit, name: &str) -> Result<String, Failure> {
    let name = channel_named(name)?;
    visit
        .ask(|client| {
            let name = name.clone();
            async move { client.test_channel(&name).await }
        })
        .await?;
    Ok("/channels".to_owned())
}

/// Removes a channel, with the messages on their way to it.
pub async fn remove(mut visit: Visit, Path(name): Path<String>, _: Guarded<BareForm>) -> Response {
    let to = end(&mut visit, &name).await;
    visit.lead(to)
}

async fn end(visit: &mut Visit, name: &str) -> Result<String, Failure> {
    let name = channel_named(name)?;
    visit
        .ask(|client| {
            let name = name.clone();
            async move { client.remove_channel(&name).await }
        })
        .await?;
    Ok("/channels".to_owned())
}

fn channel_named(name: &str) -> Result<ChannelName, Failure> {
    name.parse().map_err(|_| Failure::NotFound)
}
