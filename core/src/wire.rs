//! What travels between the API and its clients, as JSON.
//!
//! Requests refuse unknown fields, so that a misspelt one is an error instead of a silence.
//! Times are milliseconds since the Unix epoch.

pub mod alert;
pub mod app;
pub mod attach;
pub mod audit;
pub mod auth;
pub mod autoscale;
pub mod channel;
pub mod config;
pub mod deployment;
pub mod domain;
pub mod drain;
pub mod error;
pub mod member;
pub mod metrics;
pub mod process;
pub mod release;
pub mod run;
pub mod status;
