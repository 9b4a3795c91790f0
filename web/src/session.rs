//! A person's session, as their browser keeps it.

pub mod cookies;
pub mod renewals;

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use slipway_core::name::Email;
use slipway_core::wire::auth::Session;

/// What the session cookie holds. Nothing in it is believed: the API judges the tokens, and the
/// address is only shown to the person who holds the cookie.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserSession {
    pub access_token: String,
    pub refresh_token: String,
    /// What the forms of this session carry.
    pub form_token: String,
    pub email: Email,
}

impl BrowserSession {
    /// A session that begins now, with a form token of its own.
    pub fn begin(session: &Session) -> Self {
        Self {
            access_token: session.access_token.clone(),
            refresh_token: session.refresh_token.clone(),
            form_token: new_form_token(),
            email: session.user.email.clone(),
        }
    }

    /// The same session with its next tokens. Forms that are open stay good.
    pub fn renew(&mut self, session: &Session) {
        self.access_token.clone_from(&session.access_token);
        self.refresh_token.clone_from(&session.refresh_token);
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a struct of texts is valid JSON"))
    }

    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

impl fmt::Debug for BrowserSession {
    /// Whose session; secrets are never printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSession").field("email", &self.email).finish_non_exhaustive()
    }
}

/// How long a browser should keep the tokens. An access token lives from now, so what the refresh
/// token lives beyond it is a little less than what is left: the browser forgets first.
pub fn lifetime(session: &Session) -> Duration {
    session.refresh_expires_at.since(session.access_expires_at).as_duration()
}

/// 256 random bits.
pub fn new_form_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
