//! Who did what.

use serde::{Deserialize, Serialize};

use crate::id::AuditId;
use crate::time::Timestamp;

/// One operation that changed something, revealed a value, or was denied. It holds no values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Timestamp,
    /// The person's e-mail address; `None` for a stranger.
    pub actor: Option<String>,
    /// The id of the API token that was used.
    pub token: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// Method and route: `POST /v1/apps/{app}/rollback`.
    pub action: String,
    /// The path that was asked for: `/v1/apps/shop/rollback`.
    pub target: Option<String>,
    /// `ok`, or the code of the refusal.
    pub result: String,
    pub request_id: String,
}
