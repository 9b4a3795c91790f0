//! The proxy as visitors, apps and operators meet it: real nginx, real requests.

pub(crate) mod backend;
mod client;
mod edge;
mod failing;
mod files;
mod fronts;
mod lifecycle;
mod metering;
mod rendering;
pub(crate) mod rig;
mod serving;
mod switching;
mod timing;
mod waking;
