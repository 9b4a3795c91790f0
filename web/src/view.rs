//! What templates are given: texts and choices that are made, so that templates only place them.

pub mod app_head;
pub mod badge;
pub mod curve;
pub mod happening;
pub mod moment;
pub mod prose;
pub mod quantity;
pub mod rights;
pub mod sgr;
pub mod stages;
pub mod terminal;
