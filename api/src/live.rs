//! What callers can follow: deployments, logs, one-off commands, events.
//!
//! Everything followed has a position: an offset in an app's log, or the id of an event. It goes
//! out as the `id:` of each item and comes back as `Last-Event-ID`, so a stream that breaks, or is
//! ended here after an hour, continues where it was.

pub mod attach;
pub mod deployment;
pub mod events;
pub mod logs;
pub mod run;
pub mod sse;
