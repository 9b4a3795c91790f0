//! Who calls, and what they may do.
//!
//! Two kinds of credential, both sent as `Authorization: Bearer …` (or as the password of Basic
//! authentication, for git) and never in a URL: [access tokens](access_token) of sessions, and
//! [API tokens](api_token). Either is looked up in the database with every request, so that a
//! logout, a demotion or a revocation bites at once; a claim in a token never grants anything.

pub mod access_token;
pub mod address;
pub mod api_token;
pub mod attempts;
pub mod caller;
pub mod claim;
pub mod console_key;
pub mod login_limits;
pub mod password;
pub mod permission;
pub mod session;
