//! Which parts of the server a process runs.

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    pub api: bool,
    pub worker: bool,
    pub web: bool,
}

impl Roles {
    pub const ALL: Self = Self { api: true, worker: true, web: true };
    pub const API: Self = Self { api: true, worker: false, web: false };
    pub const WORKER: Self = Self { api: false, worker: true, web: false };
    pub const WEB: Self = Self { api: false, worker: false, web: true };
}
