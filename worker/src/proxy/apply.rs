//! Bringing nginx to a configuration, or leaving it exactly where it was.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::generation::{Files, Generation, Generations};
use super::nginx::{Complaint, signal};
use super::process::Worker;
use super::render::{self, CONF, Machine};
use super::site::ProxyConfig;
use super::{Proxy, ProxyError};

/// A reload of 500 apps takes well below a second; old workers accept for 0.1 s more.
const CONFIRM: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);
/// Sets of workers that may be finishing their requests when another reload begins: each keeps its
/// configuration in memory.
const OLD_SETS: usize = 3;

impl Proxy {
    /// Makes nginx serve these sites, starting it when it does not run. Applying the same sites
    /// again changes nothing. After any error what was served before is still served.
    ///
    /// Every new connection sees the sites when this returns. A reload closes idle keep-alive
    /// connections, so call it for what members cannot express, and not in a loop.
    ///
    /// # Errors
    /// [`ProxyError::Refused`] and [`ProxyError::Site`] name the site at fault, where one is;
    /// [`ProxyError::NotApplied`] when nginx kept its old configuration.
    pub async fn apply(&self, config: &ProxyConfig) -> Result<Generation, ProxyError> {
        let _lifecycle = self.lifecycle.lock().await;
        let generations = self.generations();
        if let Some(current) = generations.current()
            && generations.holds(current, &self.render(config, current)?)
            && self.control.generation().await.is_ok_and(|serving| serving == current)
        {
            generations.confirm(current)?;
            return Ok(current);
        }
        let generation = generations.next()?;
        self.apply_files(generation, &self.render(config, generation)?).await?;
        Ok(generation)
    }

    /// Stages, tests, swaps and confirms a generation.
    pub(super) async fn apply_files(
        &self,
        generation: Generation,
        files: &Files,
    ) -> Result<(), ProxyError> {
        let generations = self.generations();
        generations.stage(generation, files)?;
        let conf = generations.home(generation).join(CONF);
        if let Err(complaint) = self.nginx.test(&conf).await? {
            generations.discard(generation);
            return Err(self.refused(&complaint, generation, files));
        }
        let before = generations.current();
        generations.point_current(generation)?;
        let result = if self.nginx.master().is_some() {
            self.reload(generation).await
        } else {
            self.start_current().await
        };
        match (result, before) {
            (Ok(()), _) => {
                generations.confirm(generation)?;
                tracing::info!(%generation, "the proxy serves a new configuration");
                Ok(())
            }
            (Err(error), Some(before)) => {
                self.revert(generation, before).await?;
                Err(error)
            }
            (Err(error), None) => Err(error),
        }
    }

    pub(super) fn generations(&self) -> Generations {
        Generations::new(&self.layout)
    }

    pub(super) fn render(
        &self,
        config: &ProxyConfig,
        generation: Generation,
    ) -> Result<Files, ProxyError> {
        render::render(&self.settings, &self.layout, Machine::look(), config, generation)
    }

    /// Has nginx read its configuration again and waits until every worker that accepts
    /// connections is a new one.
    async fn reload(&self, generation: Generation) -> Result<(), ProxyError> {
        self.wait_for_old_workers().await;
        let old: Vec<i32> = self.nginx.workers().iter().map(|worker| worker.pid).collect();
        let Some(master) = self.nginx.master() else {
            return Err(ProxyError::NotApplied(generation));
        };
        signal(master, Signal::HUP);
        let deadline = Instant::now() + CONFIRM;
        while Instant::now() < deadline {
            let accepts = |worker: &Worker| worker.accepting && old.contains(&worker.pid);
            let serving = self.control.generation().await;
            if serving.is_ok_and(|serving| serving == generation)
                && !self.nginx.workers().iter().any(accepts)
            {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Err(ProxyError::NotApplied(generation))
    }

    /// Websockets can hold several sets of replaced workers; a further reload waits until one of
    /// them has gone, at the latest when nginx's own limit ends it.
    async fn wait_for_old_workers(&self) {
        let deadline = Instant::now() + self.settings.drain.as_duration() + CONFIRM;
        loop {
            let workers = self.nginx.workers();
            let accepting = workers.iter().filter(|worker| worker.accepting).count().max(1);
            let few = workers.len() < accepting * (OLD_SETS + 1);
            if few || self.nginx.master().is_none() || Instant::now() > deadline {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Puts the configuration before back in place.
    async fn revert(&self, failed: Generation, before: Generation) -> Result<(), ProxyError> {
        let generations = self.generations();
        generations.point_current(before)?;
        generations.discard(failed);
        let serving = self.control.generation().await;
        if serving.is_ok_and(|serving| serving == before) {
            return Ok(());
        }
        match self.nginx.master() {
            Some(_) => self.reload(before).await,
            None => self.start_current().await,
        }
    }

    fn refused(&self, complaint: &Complaint, failed: Generation, files: &Files) -> ProxyError {
        let conf = self.generations().home(failed).join(CONF);
        let text = files.iter().find(|(path, _)| *path == CONF);
        let site = text
            .zip(complaint.line(&conf))
            .and_then(|((_, text), line)| render::site_at(text, line));
        tracing::error!(output = complaint.text, ?site, "nginx refuses a configuration");
        ProxyError::Refused { site }
    }
}
