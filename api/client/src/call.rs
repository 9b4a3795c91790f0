//! One request, before it is sent.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;

/// How long an ordinary call may take, from the first byte to the last.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(30);

/// A request that can be sent more than once: after a renewed session, or a broken connection.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) json: Option<serde_json::Value>,
}

impl Call {
    fn new(method: Method, segments: &[&str]) -> Self {
        Self {
            method,
            segments: segments.iter().map(|segment| (*segment).to_owned()).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            json: None,
        }
    }

    pub(crate) fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    pub(crate) fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    /// A POST that makes something: sent twice with the same key, it makes one thing.
    pub(crate) fn create(segments: &[&str]) -> Self {
        let key = uuid::Uuid::new_v4().to_string();
        Self::new(Method::POST, segments).header("idempotency-key", key)
    }

    pub(crate) fn put(segments: &[&str]) -> Self {
        Self::new(Method::PUT, segments)
    }

    pub(crate) fn patch(segments: &[&str]) -> Self {
        Self::new(Method::PATCH, segments)
    }

    pub(crate) fn delete(segments: &[&str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a query parameter; `None` adds nothing.
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Sets the body. The wire types serialise without fail: their maps have text keys.
    pub(crate) fn json<T: Serialize>(mut self, body: &T) -> Self {
        self.json = Some(serde_json::to_value(body).expect("wire types are valid JSON"));
        self
    }

    /// Whether sending it twice does no more than sending it once.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.method.is_idempotent()
            || self.headers.iter().any(|(name, _)| *name == "idempotency-key")
    }
}
