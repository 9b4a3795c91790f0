//! What templates are given: texts and choices that are made, so that templates only place them.

pub mod badge;
pub mod moment;
pub mod prose;
pub mod stages;
pub mod terminal;
