//! Smart HTTP for git, and the deploy that a push is.
//!
//! ```text
//! git push ─▶ POST git-receive-pack ─▶ git receive-pack ─▶ pre-receive hook (slipwayd git-hook)
//!    ▲                                    (quarantine)          │ unix socket
//!    └── remote: lines, live ◀── stderr ◀───────────────────────┤
//!                                                               ▼
//!                     this process: plan ─▶ snapshot ─▶ accept ─▶ narrate ─▶ verdict
//! ```
//!
//! The decision falls before the ref moves: the hook asks this process over a socket, which stores
//! the source, accepts the deployment and lets the pusher read along until it is live or has ended.
//! Only then the hook exits, with 0 when it is live, and git moves the ref or rejects the push. A
//! pusher who goes away cancels nothing: git, the hook and the deployment do not depend on the
//! connection. When this process dies, the hook loses its socket and git rejects the push; a
//! deployment that was accepted goes on, and the same commit can simply be pushed again.
//!
//! Pushed trees are never checked out, and ref names are never arguments of a program.

mod exchange;
pub(crate) mod hook;
mod hook_line;
mod hooks;
pub(crate) mod http;
mod judge;
mod narrate;
mod plan;
mod process;
mod pushes;
mod repository;
mod snapshot;

pub use hooks::HookError;
pub use judge::HookListener;
pub(crate) use pushes::Pushes;
