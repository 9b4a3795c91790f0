//! The one-time token that claims a new installation.

use slipway_core::time::Millis;
use slipway_store::{Store, StoreError, clock, mint};

use crate::auth::api_token;

/// How long the token is good.
const LIFETIME: Millis = Millis::from_secs(30 * 60);

/// Makes a claim token for an installation that nobody has claimed yet, to be printed on the
/// host's own terminal and nowhere else. The one before it is not good any more. `None` when
/// somebody has.
///
/// # Errors
/// When the database does not answer.
pub async fn issue_claim(store: &Store) -> Result<Option<String>, StoreError> {
    if store.is_claimed().await? {
        return Ok(None);
    }
    let token = mint::secret();
    store.issue_claim(&api_token::hash(&token), clock::now() + LIFETIME).await?;
    Ok(Some(token))
}
