//! What the person who looks may do, so that pages offer nothing that would be refused. It is a
//! matter of what is shown: the API judges each request anew.

use serde::Serialize;
use slipway_core::wire::auth::Scope;

/// What may be done beyond looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rights {
    /// Push, deploy, restart and roll back.
    pub deploy: bool,
    /// Change apps.
    pub write: bool,
    /// Manage people and the server.
    pub admin: bool,
}

impl Rights {
    /// As long as it is not known, everything is offered.
    pub const ALL: Self = Self::of(Scope::Admin);

    pub const fn of(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self { deploy: false, write: false, admin: false },
            Scope::Deploy => Self { deploy: true, write: false, admin: false },
            Scope::Write => Self { deploy: true, write: true, admin: false },
            Scope::Admin => Self { deploy: true, write: true, admin: true },
        }
    }
}
