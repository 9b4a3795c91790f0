//! What templates are given: texts and choices that are made, so that templates only place them.

pub mod app_head;
pub mod badge;
pub mod curve;
pub mod happening;
pub mod metric;
pub mod moment;
pub mod prose;
pub mod quantity;
pub mod rights;
pub mod sgr;
pub mod span;
pub mod stages;
pub mod stairs;
pub mod terminal;
pub mod tile;
