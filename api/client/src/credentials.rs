//! Who is calling, and how a session stays alive.

use std::fmt;
use std::io;
use std::sync::Arc;

use slipway_core::wire::auth::Session;
use tokio::sync::Mutex;

/// What a call is signed with.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing: claiming, signing in, health.
    #[default]
    Anonymous,
    /// An API token, or an access token that the caller renews itself.
    Token(String),
    /// A session, renewed when its access token has ended.
    Session(Arc<RenewableSession>),
}

/// The secrets of a session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionTokens {
    pub access_token: String,
    pub refresh_token: String,
}

/// Where a session is kept, so that other processes see its renewal.
///
/// A refresh token works once. Two processes that renew the same session at the same moment would
/// end it, so a renewal happens under [`SessionStore::lock`]. Both traits may block: they are
/// called off the async threads.
pub trait SessionStore: Send + Sync {
    /// Takes the exclusive right to renew; waits, with a deadline of its own, for its holder.
    fn lock(&self) -> io::Result<Box<dyn SessionLock>>;
}

/// The exclusive right to renew a session, until dropped.
pub trait SessionLock: Send {
    /// The tokens as saved last.
    fn newest(&self) -> io::Result<SessionTokens>;

    /// Saves the renewed tokens.
    fn save(&mut self, tokens: &SessionTokens) -> io::Result<()>;
}

/// A session and the place where it is kept.
pub struct RenewableSession {
    pub(crate) current: Mutex<SessionTokens>,
    pub(crate) store: Arc<dyn SessionStore>,
}

impl Credentials {
    /// A session that starts with these tokens and is kept in `store`.
    pub fn session(tokens: SessionTokens, store: Arc<dyn SessionStore>) -> Self {
        Self::Session(Arc::new(RenewableSession { current: Mutex::new(tokens), store }))
    }

    /// The bearer token to send now.
    pub async fn access_token(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Token(token) => Some(token.clone()),
            Self::Session(session) => Some(session.current.lock().await.access_token.clone()),
        }
    }
}

impl From<&Session> for SessionTokens {
    fn from(session: &Session) -> Self {
        Self {
            access_token: session.access_token.clone(),
            refresh_token: session.refresh_token.clone(),
        }
    }
}

impl fmt::Debug for Credentials {
    /// The kind alone: secrets are never printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Token(_) => "Token(…)",
            Self::Session(_) => "Session(…)",
        })
    }
}
