//! The proxy: one nginx of Slipway's own in front of every app.
//!
//! There are two speeds. *Files* (host names, limits, static files) are rendered whole, tested,
//! swapped in, reloaded and read back. *Members* (which instances serve an app) never need a
//! reload: they live in a shared dictionary of nginx's Lua module and are set over a unix socket.
//!
//! ```text
//!   ProxyConfig ─▶ render ─▶ stage ─▶ nginx -t ─▶ swap `current` ─▶ HUP ─▶ read the generation back
//!   Members     ─▶ members file ─▶ control socket ─▶ dictionary ─▶ read back
//! ```
//!
//! nginx outlives this process. It is started with a prefix of its own, adopted again by its pid
//! file, and comes up from what is on disk when it was killed: the configuration that was
//! confirmed last, and the members written last.

mod access;
mod apply;
mod control;
mod error;
mod generation;
mod layout;
mod lifecycle;
mod logs;
mod members;
mod nginx;
mod process;
mod render;
mod settings;
mod site;
mod times;
mod traffic;
mod wake;

#[cfg(test)]
pub(crate) mod tests;

pub use access::{AccessLog, AccessRead};
pub use error::ProxyError;
pub use generation::Generation;
pub use members::Member;
pub use settings::{InvalidSetting, ProxySettings, WorkerUser};
pub use site::{InvalidStaticUrl, ProxyConfig, Site, SiteLimits, StaticUrl};
pub use times::{Times, TimesSince, Timing};
pub use traffic::{Counters, Traffic};

use std::collections::{BTreeMap, BTreeSet};

use slipway_core::id::AppId;
use tokio::sync::Mutex;

use control::Control;
use layout::Layout;
use members::Roster;
use nginx::Nginx;

/// One nginx and everything that is told to it. One writer for each data directory.
pub struct Proxy {
    settings: ProxySettings,
    layout: Layout,
    nginx: Nginx,
    control: Control,
    /// Held while nginx is started, reloaded or stopped.
    lifecycle: Mutex<()>,
    /// The members as written last. Apart from `lifecycle`: a switch does not wait for a reload.
    roster: Mutex<Roster>,
}

impl Proxy {
    /// Prepares the directories and reads the members written last. Starts nothing.
    ///
    /// # Errors
    /// When a setting is unusable or the data directory cannot be written.
    pub fn open(settings: ProxySettings) -> Result<Self, ProxyError> {
        let layout = Layout::create(&settings)?;
        let roster = Roster::open(&layout)?;
        let nginx = Nginx::new(&settings, &layout);
        let control = Control::new(layout.control_socket());
        let (lifecycle, roster) = (Mutex::new(()), Mutex::new(roster));
        Ok(Self { settings, layout, nginx, control, lifecycle, roster })
    }

    /// Makes exactly these the members of an app; none takes it out of service. Takes a few
    /// milliseconds and breaks no connection: requests under way end where they are, every later one
    /// goes to the new members, whichever worker gets it. Returns once nginx answers with them.
    ///
    /// The members are on disk before nginx has them, so that after any error a cold start and a
    /// repetition both lead to what was asked for.
    ///
    /// # Errors
    /// [`ProxyError::Stale`] when another writer has taken over, for good;
    /// [`ProxyError::Unreachable`] when nginx does not answer within 2 s.
    pub async fn set_members(&self, app: &AppId, members: &[Member]) -> Result<(), ProxyError> {
        self.roster.lock().await.set(&self.control, app, members).await
    }

    /// What nginx has: the members of every app that has some.
    ///
    /// # Errors
    /// [`ProxyError::Unreachable`] when nginx does not answer within 2 s.
    pub async fn members(&self) -> Result<BTreeMap<AppId, Vec<Member>>, ProxyError> {
        members::read_all(&self.control).await
    }

    /// Reads nginx's access log from where an earlier reader stopped; one at a time.
    pub fn access_log(&self) -> AccessLog {
        AccessLog::open(self.layout.access_log(), self.layout.access_position())
    }

    /// Tells nginx which apps may sleep (exactly these) and returns those of them that requests
    /// wait for: at once when there are some, after a second without. Each is told again every
    /// second for as long as requests wait for it.
    ///
    /// A request to one of these that has no member is held until it has, for up to 30 s and for as
    /// long as it is one of these. 100 are held an app; what is more gets a 503. Those held are in
    /// flight.
    ///
    /// # Errors
    /// [`ProxyError::Unreachable`] when nginx does not answer within 2 s.
    pub async fn wanted(&self, sleepers: &BTreeSet<AppId>) -> Result<BTreeSet<AppId>, ProxyError> {
        wake::wanted(&self.control, sleepers).await
    }

    /// What went through so far. In-flight numbers are complete: every worker has given its own
    /// since the last change of members, so a 0 for an instance that was taken out stays 0.
    /// Takes up to 0.1 s after a change of members, else about a millisecond.
    ///
    /// # Errors
    /// [`ProxyError::Unreachable`] when nginx does not answer, or a worker does not, within 2 s.
    pub async fn traffic(&self) -> Result<Traffic, ProxyError> {
        traffic::read(&self.control, &self.layout).await
    }

    /// How long requests took and waited so far; complete but for the last second. What is being
    /// waited in is this proxy: from a request's arrival, or from when a trusted front proxy says
    /// it got it (`X-Request-Start`), until an instance was given it.
    ///
    /// # Errors
    /// [`ProxyError::Unreachable`] when nginx does not answer within 2 s.
    pub async fn times(&self) -> Result<Times, ProxyError> {
        times::read(&self.control).await
    }
}
