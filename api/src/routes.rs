//! The handlers, one file a noun. Each reads its request, asks the store for one verb, and says
//! what came of it in the types of `slipway_core::wire`.

pub mod account;
pub mod alerts;
pub mod apps;
pub mod audit;
pub mod autoscale;
pub mod channels;
pub mod config;
pub mod deploy;
pub mod deployments;
pub mod domains;
pub mod drains;
pub mod events;
pub mod exposition;
pub mod health;
pub mod invitations;
pub mod logs;
pub mod members;
pub mod metrics;
pub mod overview;
pub mod processes;
pub mod releases;
pub mod runs;
pub mod sessions;
pub mod status;
pub mod tokens;
