//! The one TLS provider of a process.

/// Makes ring the provider of every TLS connection of this process. Idempotent; a program that
/// opens TLS connections of its own calls it before the first one. [`Client::new`] calls it too.
///
/// [`Client::new`]: crate::Client::new
pub fn install_tls() {
    // Fails when a provider was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
