//! The test harness: whole installations of Slipway, driven through their public doors.
//!
//! A test starts a real `slipwayd` with its own data directory, ports, networks and labels, and
//! acts as the people around it do: a [`Developer`] with git and the `slipway` command line,
//! visitors who keep [`Load`] on an app, an operator with Docker's own command line.
//!
//! ```text
//!   test ─┬─ Developer ── git push, slipway …──▶ slipwayd ──▶ Docker
//!         ├─ Load ── fresh, kept, posting ─────▶ nginx ─────▶ instances
//!         └─ docker, signals ── accidents ─────▶ all of them
//! ```
//!
//! Whatever a test started is gone when it ends, also when it panics, and an installation that
//! leaves something behind fails its test.

pub mod browser;
pub mod developer;
pub mod disk;
pub mod docker;
pub mod documents;
pub mod eventually;
pub mod folder;
pub mod http;
pub mod installation;
pub mod load;
pub mod mailbox;
pub mod network;
pub mod page;
pub mod postgres;
pub mod program;
pub mod prometheus;
pub mod reader;
pub mod receiver;
pub mod relay;
pub mod repository;
pub mod terminal;
pub mod tunnel;

pub use developer::{Developer, Output};
pub use eventually::eventually;
pub use installation::{Backend, Slipway};
pub use load::Load;
pub use mailbox::Mailbox;
pub use page::Page;
pub use reader::Reader;
pub use receiver::{Received, Receiver};
pub use repository::Echo;
pub use terminal::Terminal;
