//! Channels: where alerts are sent.

use serde::{Deserialize, Serialize};

use crate::channel::Target;
use crate::id::DeliveryId;
use crate::name::{AppName, ChannelName};
use crate::time::Timestamp;

/// A channel to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    pub name: ChannelName,
    pub target: Target,
    /// Only this app's alerts; without, those of every app and of the host.
    #[serde(default)]
    pub app: Option<AppName>,
}

/// A channel without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Channel {
    pub name: ChannelName,
    /// `webhook`, `slack`, `discord` or `email`.
    pub kind: String,
    /// Where it leads, without what may be secret.
    pub target: String,
    pub app: Option<AppName>,
    pub created_at: Timestamp,
    pub created_by: String,
    /// How its newest message fared.
    pub latest: Option<Delivery>,
}

/// A channel that was made, with what its messages are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ChannelMade {
    #[serde(flatten)]
    pub channel: Channel,
    /// Only of webhooks, and only in this answer.
    pub secret: Option<String>,
}

/// One message on its way to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Delivery {
    pub id: DeliveryId,
    /// The message's first line.
    pub subject: String,
    pub state: DeliveryState,
    pub attempts: u32,
    /// Why the newest attempt did not arrive.
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    /// When the receiver confirmed it.
    pub sent_at: Option<Timestamp>,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// To be sent, again perhaps.
    Waiting,
    /// The receiver confirmed it.
    Sent,
    /// Given up.
    Failed,
}
