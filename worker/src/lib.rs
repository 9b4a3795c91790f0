//! The worker: builds images, runs instances, feeds the proxy.
pub mod builder;
pub mod engine;
pub mod proxy;
pub mod source;
