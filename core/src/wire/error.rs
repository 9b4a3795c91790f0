//! The one shape of an error.

use serde::{Deserialize, Serialize};

/// The body of every answer of 400 and above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// A stable code for programs: `app_not_found`, `invalid_request`, …
    pub code: String,
    /// What went wrong, for people; lower case, no period.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The request's id, to find it in the server's log.
    pub request_id: String,
}
