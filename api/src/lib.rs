//! Slipway's HTTP API: the routes, who may call them, live streams, and git over smart HTTP.
//!
//! ```text
//! connection ─▶ serve ─▶ request id ─▶ headers ─▶ failure ─▶ trail ─▶ route
//!                                                                      │
//!          auth (caller, permission) ◀─ extractors ────────────────────┤
//!          store (one verb) · live (streams) · git (push) ◀────────────┘
//! ```
//!
//! The API changes desired state and reads what is; everything that takes time happens in the
//! worker, which it never calls. [`router()`] has every route on one page, and [`serve()`] puts it
//! on a listener.

mod auth;
mod differences;
mod error;
mod extract;
mod git;
pub mod git_hook;
mod idempotency;
mod live;
mod measurements;
mod middleware;
mod openapi;
mod publish;
mod router;
mod routes;
mod serve;
mod settings;
mod state;
mod upload;
mod view;

pub use auth::api_token;
pub use auth::claim::issue_claim;
pub use auth::console_key::ConsoleKey;
pub use git::HookError;
pub use openapi::Api as OpenApiDocument;
pub use router::{router, routes};
pub use serve::{serve, serve_with_console};
pub use settings::{ApiLimits, ApiSettings, HookProgram};
pub use state::{ApiParts, ApiState};
