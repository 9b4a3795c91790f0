//! What git knows about the folder, asked from git itself.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use slipway_client::ServerUrl;
use slipway_core::name::AppName;
use tokio::process::Command;
use tokio::time::timeout;

use crate::failure::Failure;

/// The name of the remote that ties a folder to an app.
pub const REMOTE: &str = "slipway";

const DEADLINE: Duration = Duration::from_secs(20);

/// The app that a folder belongs to, read from its remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub server: ServerUrl,
    pub app: AppName,
}

impl Remote {
    /// Reads `https://server/git/shop.git`; `None` for any other address.
    pub fn parse(url: &str) -> Option<Self> {
        let (base, name) = url.trim_end_matches('/').rsplit_once("/git/")?;
        let (scheme, rest) = base.split_once("://")?;
        let host = rest.rsplit_once('@').map_or(rest, |(_user, host)| host);
        Some(Self {
            server: format!("{scheme}://{host}").parse().ok()?,
            app: name.strip_suffix(".git").unwrap_or(name).parse().ok()?,
        })
    }

    /// The address to push to: of the server as this machine reaches it, whatever the server calls
    /// itself.
    pub fn url(&self) -> String {
        format!("{}/git/{}.git", self.server, self.app)
    }
}

/// A folder, which may be inside a repository.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'a>(pub &'a Path);

impl Folder<'static> {
    /// The folder the program was called in.
    pub fn here() -> Self {
        Self(Path::new("."))
    }
}

impl Folder<'_> {
    /// Whether it is inside a working tree.
    pub async fn is_repository(self) -> bool {
        self.ask(["rev-parse", "--is-inside-work-tree"]).await.as_deref() == Some("true")
    }

    /// The address of the `slipway` remote.
    pub async fn remote_url(self) -> Option<String> {
        self.ask(["config", "--get", &format!("remote.{REMOTE}.url")]).await
    }

    /// The branch that is checked out; `None` on no branch.
    pub async fn branch(self) -> Option<String> {
        self.ask(["symbolic-ref", "--quiet", "--short", "HEAD"]).await
    }

    /// What is checked out, in one line: `3f2a9c1 fix the cart`, with a word when it was changed.
    pub async fn head(self) -> Option<String> {
        let head = self.ask(["log", "-1", "--format=%h %s"]).await?;
        let changes = self.ask(["status", "--porcelain", "--untracked-files=no", "--", "."]).await;
        Some(if changes.is_some() { format!("{head} (changed)") } else { head })
    }

    /// Adds the `slipway` remote.
    pub async fn add_remote(self, url: &str) -> Result<(), Failure> {
        self.tell(["remote", "add", REMOTE, url]).await
    }

    /// Makes git ask this program, and no other helper, for the server's password.
    pub async fn set_credential_helper(
        self,
        server: &ServerUrl,
        program: &Path,
    ) -> Result<(), Failure> {
        let key = format!("credential.{server}.helper");
        // The empty value ends the list of helpers from the wider configuration.
        self.tell(["config", "--local", "--replace-all", &key, ""]).await?;
        let helper = format!("!{} git-credential", quoted(program));
        self.tell(["config", "--local", "--add", &key, &helper]).await
    }

    /// The first line of git's answer; `None` when it has none, or there is no git.
    async fn ask<const N: usize>(self, arguments: [&str; N]) -> Option<String> {
        let output = timeout(DEADLINE, self.command(arguments).output()).await.ok()?.ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let line = text.lines().next().unwrap_or_default().trim_end();
        (output.status.success() && !line.is_empty()).then(|| line.to_owned())
    }

    async fn tell<const N: usize>(self, arguments: [&str; N]) -> Result<(), Failure> {
        let what = format!("git {}", arguments[0]);
        let output = timeout(DEADLINE, self.command(arguments).output())
            .await
            .map_err(|_| Failure::new(format!("`{what}` did not end")))?
            .map_err(|error| Failure::new(format!("cannot run `{what}`: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("`{what}` failed: {}", said.trim())))
    }

    fn command<const N: usize>(self, arguments: [impl AsRef<OsStr>; N]) -> Command {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.0).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// The path as one word of git's shell line.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_names_its_server_and_app() {
        let read = |url| Remote::parse(url).map(|r| format!("{} {}", r.server, r.app));
        let expected = Some("http://localhost:8080 shop".to_owned());
        assert_eq!(read("http://localhost:8080/git/shop.git"), expected);
        assert_eq!(read("http://ada:pw@localhost:8080/git/shop/"), expected);
        let below = read("https://example.com/slipway/git/my-app.git");
        assert_eq!(below.as_deref(), Some("https://example.com/slipway my-app"));
        let url = "https://example.com/slipway/git/my-app.git";
        assert_eq!(Remote::parse(url).unwrap().url(), url);
        for other in ["git@github.com:ada/shop.git", "https://github.com/ada/shop.git", "/git/shop"]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        assert_eq!(quoted(Path::new("/o'neil/slipway")), r"'/o'\''neil/slipway'");
    }
}
