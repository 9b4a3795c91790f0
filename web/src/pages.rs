//! The pages, one module each: what it shows, and how it is made.

pub mod alerts;
pub mod app;
pub mod apps;
pub mod channels;
pub mod claim;
pub mod deployment;
pub mod events;
pub mod join;
pub mod members;
pub mod not_found;
pub mod server;
pub mod sign_in;
pub mod sign_out;
pub mod tokens;

#[cfg(test)]
mod tests;
