//! How the API knows the console of its own process.

use std::fmt;

use axum::http::HeaderMap;
use slipway_core::wire::auth::CONSOLE_HEADER;
use slipway_store::mint;
use subtle::ConstantTimeEq as _;

/// A secret that an API and a console are given when they start in one process, and that nobody
/// else ever sees. Whoever shows it is believed about whom they call for, and about nothing else.
#[derive(Clone)]
pub struct ConsoleKey(String);

impl ConsoleKey {
    /// A fresh one: 256 random bits.
    pub fn mint() -> Self {
        Self(mint::secret())
    }

    /// The secret, for the console.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether a request shows it.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(CONSOLE_HEADER);
        shown.is_some_and(|shown| shown.as_bytes().ct_eq(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for ConsoleKey {
    /// Secrets are never printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleKey(…)")
    }
}
