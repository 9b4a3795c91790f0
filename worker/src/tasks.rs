//! The reconcilers: level-triggered, by event and by poll, without input of their own.

pub mod access;
pub mod alerts;
pub mod autoscale;
pub mod deadlines;
pub mod deliveries;
pub mod drains;
pub mod instances;
pub mod janitor;
pub mod logs;
pub mod monitor;
pub mod proxy;
pub mod status;
pub mod wake;
