//! The end of an installation: nothing is left, and what is left all the same is said.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::ensure;

use super::Slipway;
use crate::docker::belongings;
use crate::program::running_below;

impl Slipway {
    /// Takes everything down and says what is left all the same.
    fn take_down(&self) -> anyhow::Result<()> {
        let mut down = self.slipwayd("down");
        let mut down = down.arg("--purge").stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        // It waits for the servers to be gone, and those are our children to bury.
        while down.try_wait()?.is_none() {
            self.servers().retain_mut(|server| matches!(server.try_wait(), Ok(None)));
            thread::sleep(Duration::from_millis(10));
        }
        let down = down.wait_with_output()?;
        for server in self.servers().iter_mut() {
            // Still there when roles run apart, or when `down` failed.
            drop(server.kill());
            drop(server.wait());
        }
        ensure!(
            down.status.success(),
            "`slipwayd down` failed: {}",
            String::from_utf8_lossy(&down.stderr)
        );
        let left = belongings(&self.installation)?;
        ensure!(left.is_empty(), "left behind: {left:?}");
        let left = running_below(self.home.path());
        ensure!(left.is_empty(), "left running: {left:?}");
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "the test runner shows a failing test's output")]
impl Drop for Slipway {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("the server's last words:\n{}", self.last_words());
        }
        let down = self.take_down();
        if !thread::panicking() {
            down.expect("an installation leaves nothing behind");
        } else if let Err(error) = down {
            println!("and it could not be taken down: {error:#}");
        }
    }
}
