//! What was measured: the last minute and a half in memory, for those who decide by it, and the way
//! into the store, for those who look back.

pub mod live;
pub(crate) mod recorder;
mod rungs;
