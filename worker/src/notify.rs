//! Tells a channel: a message in the form that its kind of receiver reads.

mod chat;
mod mail;
#[cfg(test)]
mod tests;
pub mod webhook;

use bytes::Bytes;
use slipway_core::channel::Target;
use slipway_core::time::Timestamp;
use slipway_store::Owed;

use crate::outbound::{Outbound, OutboundError};

/// Why a message did not arrive, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the mail cannot be composed: {0}")]
    Compose(String),
    /// For none of the recipients.
    #[error("the mail server did not take it: {0}")]
    Mail(String),
}

impl NotifyError {
    /// Whether trying again later cannot help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Outbound(error) => error.is_final(),
            Self::Compose(_) => true,
            // A server's 5xx ends when somebody corrects what it is about: a full mailbox, a policy.
            Self::Mail(_) => false,
        }
    }
}

/// Sends a message once; `Ok` when the receiver confirmed it.
///
/// # Errors
/// When it was not sent or not confirmed. It may have arrived all the same.
pub async fn send(
    outbound: &Outbound,
    target: &Target,
    owed: &Owed,
    now: Timestamp,
) -> Result<(), NotifyError> {
    let json = || ("content-type", "application/json".to_owned());
    match target {
        Target::Webhook { url, secret } => {
            let body = webhook::body(owed);
            let mut headers = vec![json(), ("slipway-delivery", owed.id.to_string())];
            if let Some(secret) = secret {
                headers.push((webhook::SIGNATURE, webhook::signature(secret, now, &body)));
            }
            outbound.post(url, &headers, Bytes::from(body)).await?;
        }
        Target::Slack { url } => {
            outbound.post(url, &[json()], Bytes::from(chat::slack(&owed.message))).await?;
        }
        Target::Discord { url } => {
            outbound.post(url, &[json()], Bytes::from(chat::discord(&owed.message))).await?;
        }
        Target::Email(mail) => mail::send(outbound, mail, owed).await?,
    }
    Ok(())
}
