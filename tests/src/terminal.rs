//! A terminal with a program on it: a person types here and looks at what is shown.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::eventually::eventually;

/// How long anything awaited may take to be shown.
const SHOWN: Duration = Duration::from_secs(30);

/// A terminal; dropping it hangs up, and kills the program.
pub struct Terminal {
    keyboard: File,
    shown: Arc<Mutex<Vec<u8>>>,
    pub program: Child,
}

impl Terminal {
    /// Starts a program on a new terminal of this many rows and columns.
    ///
    /// # Errors
    /// When there is no terminal to be had, or the program does not start.
    pub fn start(program: &Command, rows: u16, columns: u16) -> anyhow::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(&master, size(rows, columns))?;
        let name = ptsname(&master, Vec::new())?;
        let slave = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
        let program = on_terminal(program, &slave)?;
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone()?;
        let shown = Arc::<Mutex<Vec<u8>>>::default();
        let writes = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error is the end: no program has the terminal any more.
            while let Ok(read @ 1..) = screen.read(&mut buffer) {
                let mut shown = writes.lock().unwrap_or_else(PoisonError::into_inner);
                shown.extend_from_slice(&buffer[..read]);
            }
        });
        Ok(Self { keyboard, shown, program })
    }

    /// Types this.
    ///
    /// # Errors
    /// When no program has the terminal.
    pub fn type_in(&mut self, keys: &str) -> anyhow::Result<()> {
        Ok(self.keyboard.write_all(keys.as_bytes())?)
    }

    /// Gives the terminal another size.
    ///
    /// # Errors
    /// When no program has it.
    pub fn resize(&self, rows: u16, columns: u16) -> anyhow::Result<()> {
        Ok(tcsetwinsize(&self.keyboard, size(rows, columns))?)
    }

    /// All that was shown so far.
    pub fn text(&self) -> String {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// Waits until this is shown.
    ///
    /// # Errors
    /// When it is not within 30 s, with what is.
    pub async fn shows(&self, text: &str) -> anyhow::Result<()> {
        let look = || async {
            let shown = self.text();
            ensure!(shown.contains(text), "the terminal shows {shown:?}");
            Ok(())
        };
        eventually(format!("{text:?} is shown"), SHOWN, look).await
    }

    /// Types a line again and again until this is shown: for what takes effect a moment later.
    ///
    /// # Errors
    /// When it is not within 30 s, with what is.
    pub async fn answers(&mut self, line: &str, text: &str) -> anyhow::Result<()> {
        let asked = async {
            while !self.text().contains(text) {
                self.type_in(line)?;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            anyhow::Ok(())
        };
        timeout(SHOWN, asked)
            .await
            .with_context(|| format!("{text:?} is not shown: {:?}", self.text()))?
    }

    /// Whether what is typed is shown and gathered to lines, as a shell leaves it.
    ///
    /// # Errors
    /// When there is no terminal any more.
    pub fn is_ordinary(&self) -> anyhow::Result<bool> {
        let modes = tcgetattr(&self.keyboard)?.local_modes;
        Ok(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG))
    }

    /// The exit code of the program, once it has ended; -1 when a signal ended it.
    ///
    /// # Errors
    /// When it runs on for 30 s.
    pub async fn ended(&mut self) -> anyhow::Result<i32> {
        let ended = timeout(SHOWN, self.program.wait()).await;
        let status = ended.with_context(|| format!("it runs on: {:?}", self.text()))??;
        Ok(status.code().unwrap_or(-1))
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Starts the program in a session of its own, whose terminal this is: only so are there signals
/// for keys and sizes.
fn on_terminal(program: &Command, slave: &OwnedFd) -> anyhow::Result<Child> {
    let program = program.as_std();
    let stdio = || anyhow::Ok(Stdio::from(slave.try_clone()?));
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
    command.env_clear().env("TERM", "xterm-256color");
    command.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    command.stdin(stdio()?).stdout(stdio()?).stderr(stdio()?).kill_on_drop(true);
    command.spawn().context("`setsid` starts the program")
}
