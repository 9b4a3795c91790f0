//! Somebody who follows a document to the letter: one shell for the whole page.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::developer::Developer;
use crate::page::{Page, Step, is_as_shown};

/// No command may take longer; a first build makes its base image on the way.
const PATIENCE: Duration = Duration::from_mins(4);
/// Stands alone at the beginning of the line that tells how a command ended.
const ENDED: char = '\u{1}';

/// A person at a shell, in a folder of their own.
pub struct Reader {
    folder: PathBuf,
    /// What documents say, and what is true of the installation at hand.
    truths: Vec<(String, String)>,
    keyboard: ChildStdin,
    screen: Lines<BufReader<ChildStdout>>,
    _shell: Child,
}

impl Reader {
    /// Sits down at a shell in this folder, as that developer, with these variables. Documents are
    /// read with the first of each pair of `truths` replaced by the second.
    ///
    /// # Errors
    /// When there is no shell.
    pub async fn start(
        developer: &Developer,
        folder: PathBuf,
        variables: &[(&str, String)],
        truths: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        // On a terminal, which this is not, curl shows no meter.
        fs::write(developer.home().join(".curlrc"), "silent\nshow-error\n")?;
        let mut command = developer.shell();
        command.current_dir(&folder).stdin(Stdio::piped());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let mut shell = command.spawn().context("a shell starts")?;
        let screen = shell.stdout.take().context("it is a pipe")?;
        let mut reader = Self {
            folder,
            truths: truths.iter().map(|(said, here)| ((*said).to_owned(), here.clone())).collect(),
            keyboard: shell.stdin.take().context("it is a pipe")?,
            screen: BufReader::new(screen).lines(),
            _shell: shell,
        };
        reader.keyboard.write_all(b"exec 2>&1; set -o pipefail\n").await?;
        Ok(reader)
    }

    /// Does everything that a page asks for, and sees what it shows.
    ///
    /// # Errors
    /// The first thing that is not as the page says, with its line.
    pub async fn follow(&mut self, page: &Page) -> anyhow::Result<()> {
        let steps = page.steps()?;
        ensure!(!steps.is_empty(), "{} asks for nothing", page.name);
        for (line, step) in steps {
            self.take(step).await.with_context(|| format!("{}:{line}", page.name))?;
        }
        Ok(())
    }

    async fn take(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::Write { path, text } => {
                let path = self.folder.join(path);
                let parent = path.parent().context("a file is in a folder")?;
                fs::create_dir_all(parent)?;
                Ok(fs::write(path, self.truly(&text))?)
            }
            Step::Find { path, text } => {
                let found = fs::read_to_string(self.folder.join(&path))?;
                ensure!(found.contains(&text), "{} has no such part", path.display());
                Ok(())
            }
            Step::Type { command, shown } => self.see(&command, &shown).await,
        }
    }

    /// Types a command. One that is shown to end with an error has to fail, every other to succeed.
    async fn see(&mut self, command: &str, shown: &str) -> anyhow::Result<()> {
        let (command, shown) = (self.truly(command), self.truly(shown));
        let typed = self.enter(&command);
        let (code, printed) = timeout(PATIENCE, typed).await.context("it does not end")??;
        let fails = shown.lines().any(|line| line.starts_with("error: "));
        ensure!((code != 0) == fails, "`{command}` ended with {code}:\n{printed}");
        let is_fine = shown.is_empty() || is_as_shown(&shown, &printed);
        ensure!(is_fine, "`{command}` printed\n{printed}\nand not\n{shown}");
        Ok(())
    }

    /// Runs a command in the shell; its exit code, and what it printed.
    async fn enter(&mut self, command: &str) -> anyhow::Result<(i32, String)> {
        // From a file: what a command reads must not be the commands after it.
        let file = self.folder.with_extension("typed");
        fs::write(&file, command)?;
        let line = format!(". '{}' </dev/null; printf '\\n\\001%s\\n' $?\n", file.display());
        self.keyboard.write_all(line.as_bytes()).await?;
        let mut printed = String::new();
        while let Some(line) = self.screen.next_line().await? {
            if let Some(code) = line.strip_prefix(ENDED) {
                return Ok((code.parse()?, printed));
            }
            printed.push_str(&line);
            printed.push('\n');
        }
        bail!("the shell ended: {printed}")
    }

    fn truly(&self, text: &str) -> String {
        let replace = |text: String, (said, here): &(String, String)| text.replace(said, here);
        self.truths.iter().fold(text.to_owned(), replace)
    }
}
