//! The pages, one module each: what it shows, and how it is made.

pub mod app;
pub mod apps;
pub mod claim;
pub mod deployment;
pub mod not_found;
pub mod sign_in;
pub mod sign_out;

#[cfg(test)]
mod tests;
