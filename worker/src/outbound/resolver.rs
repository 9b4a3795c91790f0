//! From names to addresses.

use std::io;
use std::net::IpAddr;

use futures_util::future::BoxFuture;
use slipway_core::name::Hostname;

/// Answers for names.
pub trait Resolve: Send + Sync {
    /// Every address of a name, by one question.
    fn resolve(&self, name: &Hostname) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// This machine's own resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &Hostname) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
