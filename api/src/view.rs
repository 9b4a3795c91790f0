//! What is stored, as it is sent.

pub mod alert;
pub mod app;
pub mod deployment;
pub mod instance;
pub mod marker;
pub mod release;
