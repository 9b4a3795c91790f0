//! The client of Slipway's API: one method for each route, and streams that survive a reconnect.
//!
//! ```no_run
//! # async fn example() -> Result<(), slipway_client::ClientError> {
//! use slipway_client::{Client, Credentials};
//!
//! let client = Client::new("http://localhost:8080".parse()?, "example/1.0")?
//!     .with_credentials(Credentials::Token("slp_…".to_owned()));
//! for app in client.apps().await? {
//!     println!("{} answers at {}", app.name, app.url);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every call has a deadline. What cannot be reached, what answered too late, what was refused and
//! what is not a Slipway server at all are different [`ClientError`]s. An access token that ended
//! is renewed once, behind the caller's back (see [`Credentials::Session`]).

mod attach;
mod behalf;
mod call;
mod client;
mod credentials;
mod error;
mod follow;
mod routes;
mod server;
mod signature;
mod sse;
mod tls;
mod upload;

pub use attach::{Attachment, Hears, Says};
pub use behalf::Behalf;
pub use client::Client;
pub use credentials::{Credentials, RenewableSession, SessionLock, SessionStore, SessionTokens};
pub use error::ClientError;
pub use follow::Updates;
pub use routes::logs::LogQuery;
pub use routes::metrics::MetricsQuery;
pub use routes::releases::ReleasePage;
pub use server::{InvalidServerUrl, ServerUrl};
pub use tls::install_tls;
pub use upload::MAX_ARCHIVE_BYTES;
