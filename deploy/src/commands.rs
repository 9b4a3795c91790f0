//! What `slipwayd` does besides serving.

pub mod backup;
pub mod claim_token;
pub mod down;
pub mod git_hook;

use std::io::Write;

/// Writes an error the way every Slipway program does.
pub fn print_error(error: &anyhow::Error) {
    // Nowhere is left to report that standard error is closed.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
}
