//! Webhooks: JSON by POST, signed.
//!
//! ```text
//! POST /your/path
//! content-type: application/json
//! slipway-delivery: dlv_…                 the same when a message is sent again
//! slipway-signature: t=1764110000,v1=5257a8…
//!
//! {"id":"dlv_…","type":"alert.firing","text":"[firing] shop: …","created_at":…,"firing":{…}}
//! ```
//!
//! `type` is `alert.firing`, `alert.resolved` or `test`. `v1` is the HMAC-SHA256, in hexadecimal,
//! of `t`, a full stop and the body as it was received, with the channel's secret as the key. `t` is
//! the time of sending in seconds since 1970: refuse what is older than a few minutes, compare in
//! constant time, and answer with a status of 2xx within 5 s.

use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::Sha256;
use slipway_core::id::DeliveryId;
use slipway_core::time::Timestamp;
use slipway_core::wire::alert::Firing;
use slipway_store::{Message, Owed};

/// The header with the signature.
pub const SIGNATURE: &str = "slipway-signature";

#[derive(Serialize)]
struct Body<'a> {
    id: &'a DeliveryId,
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    created_at: Timestamp,
    firing: Option<&'a Firing>,
}

/// What is sent.
///
/// # Panics
/// Never: wire types are valid JSON.
pub fn body(owed: &Owed) -> Vec<u8> {
    let (kind, firing) = match &owed.message {
        Message::Fires { firing } => ("alert.firing", Some(firing)),
        Message::Ends { firing } => ("alert.resolved", Some(firing)),
        Message::Test { .. } => ("test", None),
    };
    let text = owed.message.subject();
    let body = Body { id: &owed.id, kind, text, created_at: owed.created_at, firing };
    serde_json::to_vec(&body).expect("wire types are valid JSON")
}

/// The value of the header.
///
/// # Panics
/// Never: a key of any length will do.
pub fn signature(secret: &str, now: Timestamp, body: &[u8]) -> String {
    let seconds = now.0.div_euclid(1000);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}
