//! Keeping nginx running, and ending it when it is asked for.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::nginx::{Complaint, signal};
use super::process;
use super::site::ProxyConfig;
use super::{Generation, Proxy, ProxyError};

/// A killed nginx is noticed after this long, as is a log that is being flooded.
const WATCH: Duration = Duration::from_secs(1);
/// From its start nginx needs some hundredths of a second until it answers.
const ANSWER: Duration = Duration::from_secs(5);
/// How long requests may take once the whole installation is being stopped.
const GRACE: Duration = Duration::from_secs(5);
/// A killed process is gone at once, unless its disk hangs.
const KILL: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

impl Proxy {
    /// Finds nginx running, or starts it with the configuration and the members it had last. A
    /// new installation gets one without sites. Cheap when all is well: ask as often as you like.
    ///
    /// # Errors
    /// [`ProxyError::NotStarted`] when nginx does not come up with any configuration there is.
    pub async fn ensure_running(&self) -> Result<(), ProxyError> {
        let _lifecycle = self.lifecycle.lock().await;
        if self.nginx.master().is_some() {
            // One that is just dying still looks alive for a moment.
            match self.answer(|| self.nginx.master().is_some()).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    tracing::error!(%error, "nginx does not answer: replacing it");
                }
            }
        }
        self.revive().await?;
        let generation = self.answer(|| true).await?;
        self.generations().confirm(generation)?;
        tracing::info!(%generation, "nginx was started");
        Ok(())
    }

    /// Keeps nginx running and its logs small until `cancel`, and then leaves it running. A killed
    /// one is back within two seconds.
    pub async fn supervise(&self, cancel: &CancellationToken) {
        let mut failing = false;
        while !cancel.is_cancelled() {
            let result = match self.ensure_running().await {
                Ok(()) => self.rotate_logs().await,
                Err(error) => Err(error),
            };
            if let Err(error) = &result
                && !failing
            {
                tracing::error!(%error, "nginx is not in order");
            }
            failing = result.is_err();
            // Ends early when canceled; either way the loop's condition decides.
            let _ = timeout(WATCH, cancel.cancelled()).await;
        }
    }

    /// Ends nginx: it takes no new connections, finishes its requests for up to 5 s, and is killed
    /// after that. Not running is success.
    ///
    /// # Errors
    /// [`ProxyError::StillRunning`] when a process survives even that.
    pub async fn shutdown(&self) -> Result<(), ProxyError> {
        let _lifecycle = self.lifecycle.lock().await;
        self.end_all(GRACE).await
    }

    /// Starts nginx from `current`; nothing of an earlier one is left when it does.
    pub(super) async fn start_current(&self) -> Result<(), ProxyError> {
        self.replace_remains().await?;
        match self.nginx.start().await? {
            Ok(()) => self.answer(|| true).await.map(|_| ()),
            Err(Complaint { text }) => {
                tracing::error!(output = text, "nginx does not start");
                Err(ProxyError::NotStarted { log: self.layout.error_log() })
            }
        }
    }

    /// Starts nginx from the newest configuration it accepts.
    async fn revive(&self) -> Result<(), ProxyError> {
        let generations = self.generations();
        if generations.current().is_none() {
            let first = generations.next()?;
            generations.stage(first, &self.render(&ProxyConfig::default(), first)?)?;
            generations.point_current(first)?;
        }
        let Err(error) = self.start_current().await else { return Ok(()) };
        // This process may have died between swapping a configuration in and seeing it served.
        match generations.confirmed() {
            Some(confirmed) if generations.current() != Some(confirmed) => {
                tracing::error!(%confirmed, "going back to the configuration that was served last");
                generations.point_current(confirmed)?;
                self.start_current().await
            }
            _ => Err(error),
        }
    }

    /// Waits for an answer on the control socket while there is hope.
    async fn answer(&self, hope: impl Fn() -> bool) -> Result<Generation, ProxyError> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.control.generation().await {
                Ok(generation) => return Ok(generation),
                Err(error) if Instant::now() > deadline || !hope() => return Err(error),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Frees the addresses of an earlier nginx. The workers of a killed master go on serving and
    /// hold its listeners: they are told to finish, and no longer accept a moment later.
    async fn replace_remains(&self) -> Result<(), ProxyError> {
        if self.nginx.master().is_some() {
            self.end_all(Duration::ZERO).await?;
        }
        for worker in self.nginx.workers() {
            signal(worker.pid, Signal::QUIT);
        }
        let deadline = Instant::now() + Duration::from_secs(1);
        while self.nginx.workers().iter().any(|worker| worker.accepting) {
            if Instant::now() > deadline {
                self.nginx.kill();
                break;
            }
            sleep(PAUSE).await;
        }
        // A socket file nobody listens on is in the way of the next nginx.
        let socket = self.control.socket();
        match std::fs::remove_file(socket) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ProxyError::file("remove", socket)(error))
            }
            _ => Ok(()),
        }
    }

    async fn end_all(&self, grace: Duration) -> Result<(), ProxyError> {
        let Some(master) = self.nginx.master() else {
            self.nginx.kill();
            return Ok(());
        };
        signal(master, Signal::QUIT);
        let deadline = Instant::now() + grace;
        while self.is_alive(master) && Instant::now() < deadline {
            sleep(PAUSE).await;
        }
        let deadline = Instant::now() + KILL;
        while self.is_alive(master) {
            if Instant::now() > deadline {
                return Err(ProxyError::StillRunning(master));
            }
            self.nginx.kill_session(master);
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// By the kernel's word alone: a master that quits removes its pid file first, and with many
    /// apps it takes a while from there to its end.
    fn is_alive(&self, master: i32) -> bool {
        process::is_master(master, self.layout.root()) || !process::workers(master).is_empty()
    }
}
