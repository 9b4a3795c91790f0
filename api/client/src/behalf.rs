//! For whom a program calls that stands between people and the API.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::RequestBuilder;
use slipway_core::wire::auth::CONSOLE_HEADER;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Somebody's way to the program that calls, and what it shows to be believed.
#[derive(Clone)]
pub struct Behalf {
    /// As in `X-Forwarded-For`: the last address is whoever the program was called by.
    forwarded_for: Arc<str>,
    secret: Option<Arc<str>>,
}

impl Behalf {
    /// By the addresses of the way, the last hop last, and the secret that the API knows the
    /// program by; without one it is known by its own address.
    pub fn new(way: &[IpAddr], secret: Option<Arc<str>>) -> Self {
        let hops: Vec<String> = way.iter().map(IpAddr::to_string).collect();
        Self { forwarded_for: hops.join(", ").into(), secret }
    }

    pub(crate) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header(FORWARDED_FOR, &*self.forwarded_for);
        match &self.secret {
            Some(secret) => request.header(CONSOLE_HEADER, &**secret),
            None => request,
        }
    }
}
