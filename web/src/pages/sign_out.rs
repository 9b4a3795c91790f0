//! Signing out.

use axum::response::Response;
use serde::Deserialize;

use crate::failure::{Failure, FailurePage};
use crate::guard::Guarded;
use crate::visit::Visit;

/// The form has nothing but its token.
#[derive(Deserialize)]
pub struct SignOutForm {}

/// Ends the session at the API and in the browser. When the API does not answer it is not ended,
/// and the page says so.
pub async fn accept(mut visit: Visit, _: Guarded<SignOutForm>) -> Response {
    match visit.ask(|client| async move { client.logout().await }).await {
        Ok(()) | Err(Failure::SignedOut { .. }) => visit.end(),
        Err(failure) => visit.answer::<FailurePage>(Err(failure)),
    }
}
