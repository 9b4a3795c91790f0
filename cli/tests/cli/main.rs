//! The program as it is called: exit codes, files, git, and what travels to the server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod deploy;
mod domains;
mod drains;
mod events;
mod harness;
mod members;
mod repository;
mod settings;
mod usage;
