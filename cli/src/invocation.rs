//! One run of the program: what it was told, and the server and app that follow from it.

use std::sync::Arc;

use slipway_client::{Client, Credentials, ServerUrl, SessionTokens};
use slipway_core::name::AppName;
use tokio::sync::OnceCell;

use crate::accounts::{Accounts, AccountsError, AccountsFile, Secret};
use crate::args::Global;
use crate::config::Environment;
use crate::failure::Failure;
use crate::git::{Folder, REMOTE, Remote};
use crate::printer::Printer;
use crate::session::FileSession;

/// How the program calls itself to servers.
const USER_AGENT: &str = concat!("slipway/", env!("CARGO_PKG_VERSION"));

/// What every command works with.
pub struct Invocation {
    pub global: Global,
    pub environment: Environment,
    pub printer: Printer,
    remote: OnceCell<Option<Remote>>,
}

impl Invocation {
    pub fn new(global: Global, environment: Environment, printer: Printer) -> Self {
        Self { global, environment, printer, remote: OnceCell::new() }
    }

    /// The app and server of the folder's `slipway` remote.
    async fn remote(&self) -> Option<&Remote> {
        let read = async || Remote::parse(&Folder::here().remote_url().await?);
        self.remote.get_or_init(read).await.as_ref()
    }

    /// The app that is meant: `--app`, else the folder's.
    pub async fn app(&self) -> Result<AppName, Failure> {
        if let Some(app) = &self.global.app {
            return Ok(app.clone());
        }
        let remote = self.remote().await.ok_or_else(|| {
            Failure::usage(format!("no app is named, and this folder has no `{REMOTE}` git remote"))
                .hint("add `-a NAME`, or run `slipway create NAME` here")
        })?;
        Ok(remote.app.clone())
    }

    /// The server that is meant: `--server`, `SLIPWAY_URL`, the folder's, else the one signed in to
    /// last.
    pub async fn server(&self) -> Result<ServerUrl, Failure> {
        if let Some(server) = &self.global.server {
            return Ok(server.clone());
        }
        if let Some(url) = &self.environment.url {
            return url.parse().map_err(|error| Failure::usage(format!("SLIPWAY_URL: {error}")));
        }
        if let Some(remote) = self.remote().await {
            return Ok(remote.server.clone());
        }
        self.accounts()?.default_server().ok_or_else(|| {
            Failure::new("no server is known").hint("run `slipway login URL`, or set SLIPWAY_URL")
        })
    }

    /// The file of accounts.
    pub fn accounts_file(&self) -> Result<AccountsFile, Failure> {
        let directory = self.environment.config_dir.as_deref().ok_or_else(|| {
            Failure::new("there is no place for the configuration: HOME is not set")
                .hint("set SLIPWAY_CONFIG_DIR to a directory")
        })?;
        Ok(AccountsFile::in_directory(directory))
    }

    /// The accounts; none when there is no place for them.
    pub fn accounts(&self) -> Result<Accounts, Failure> {
        if self.environment.config_dir.is_none() {
            return Ok(Accounts::default());
        }
        let file = self.accounts_file()?;
        if file.is_exposed() {
            let path = file.path().display().to_string();
            self.printer.warn(&format!("others can read {path}, which holds secrets"));
            self.printer.hint(&format!("run `chmod 600 {path}`"));
        }
        Ok(file.load()?)
    }

    /// A client of a server, signed with nothing.
    pub fn stranger(server: ServerUrl) -> Result<Client, Failure> {
        Ok(Client::new(server, USER_AGENT)?)
    }

    /// A client of the server that is meant, signed in.
    pub async fn client(&self) -> Result<Client, Failure> {
        let server = self.server().await?;
        let credentials = self.credentials(&server)?.ok_or_else(|| {
            Failure::new(format!("not signed in to {server}"))
                .hint(format!("run `slipway login {server}`, or set SLIPWAY_TOKEN"))
        })?;
        Ok(Self::stranger(server)?.with_credentials(credentials))
    }

    /// A client and the app that is meant.
    pub async fn client_and_app(&self) -> Result<(Client, AppName), Failure> {
        let app = self.app().await?;
        Ok((self.client().await?, app))
    }

    /// What calls to a server are signed with: `SLIPWAY_TOKEN`, else its account.
    pub fn credentials(&self, server: &ServerUrl) -> Result<Option<Credentials>, Failure> {
        if let Some(token) = &self.environment.token {
            return Ok(Some(Credentials::Token(token.clone())));
        }
        self.saved_credentials(server)
    }

    /// What calls to a server are signed with, by its account alone.
    pub fn saved_credentials(&self, server: &ServerUrl) -> Result<Option<Credentials>, Failure> {
        let accounts = self.accounts()?;
        let Some(account) = accounts.get(server) else { return Ok(None) };
        Ok(Some(match account.secret.clone() {
            Secret::Token { token } => Credentials::Token(token),
            Secret::Session { access_token, refresh_token } => {
                let store = FileSession { file: self.accounts_file()?, server: server.clone() };
                let tokens = SessionTokens { access_token, refresh_token };
                Credentials::session(tokens, Arc::new(store))
            }
        }))
    }
}

impl From<AccountsError> for Failure {
    fn from(error: AccountsError) -> Self {
        let hint = match &error {
            AccountsError::Malformed { path, .. } => {
                Some(format!("correct it, or remove {} and sign in again", path.display()))
            }
            AccountsError::Read { .. }
            | AccountsError::Write { .. }
            | AccountsError::Locked { .. } => None,
        };
        let failure = Self::new(error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
