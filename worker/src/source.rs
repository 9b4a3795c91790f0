//! From a stored source archive to a build: read, plan, write the context.
//!
//! ```text
//!   archive ─read▶ SourceTree ─plan▶ BuildPlan ─(builder finds bases)─▶ Bases
//!                                        └──────────write_context──────┴▶ context.tar ─▶ Builder
//! ```
//!
//! Planning is pure: it looks at the tree alone, so that every shape of repository is a unit test.

pub mod archive;
pub mod base;
pub mod certificates;
pub mod context;
pub mod dockerfile;
mod dockerignore;
mod manifest;
mod node;
mod path;
pub mod plan;
mod procfile;
mod python;
pub mod recipe;
pub mod static_files;
pub mod tree;
pub mod version;
mod website;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod shapes;
