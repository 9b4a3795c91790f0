//! The vocabulary of Slipway: names, ids, states, and the decisions made from them.
//!
//! Everything here is a value or a pure function. There is no clock, no randomness, no
//! environment, no SQL and no I/O: callers pass the time and the observed world in, and get a
//! decision back. That is what lets the rollout planner and the state machine be tested
//! exhaustively, and what keeps the wire types from belonging to any one program.

pub mod alert;
pub mod autoscale;
pub mod calendar;
pub mod channel;
pub mod config;
pub mod deployment;
pub mod domain;
pub mod drain;
pub mod event;
pub mod health;
pub mod histogram;
pub mod id;
pub mod instance;
pub mod log;
pub mod manifest;
pub mod metric;
pub mod name;
pub mod outbound;
pub mod precedence;
pub mod process;
pub mod reason;
pub mod release;
pub mod resolution;
pub mod retention;
pub mod rollout;
pub mod sample;
pub mod telemetry;
pub mod time;
pub mod wire;
