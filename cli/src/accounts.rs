//! The servers one is signed in to, kept in `config.toml`, readable by its owner alone.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use slipway_client::{ServerUrl, SessionTokens};

/// Longest wait for another `slipway` that writes the file.
const LOCK_DEADLINE: Duration = Duration::from_secs(45);

/// What `config.toml` says.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// The server that is meant when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default)]
    servers: BTreeMap<String, Account>,
}

/// How one is signed in to a server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub email: String,
    #[serde(flatten)]
    pub secret: Secret,
}

/// What calls to the server are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Secret {
    Token { token: String },
    Session { access_token: String, refresh_token: String },
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is not valid: {what}", path.display())]
    Malformed { path: PathBuf, what: String },
    #[error("another slipway holds {} for too long", path.display())]
    Locked { path: PathBuf },
}

/// The file in its directory.
#[derive(Debug, Clone)]
pub struct AccountsFile {
    directory: PathBuf,
}

/// The exclusive right to change the file, until dropped.
pub struct AccountsLock {
    file: AccountsFile,
    _lock: File,
}

impl Accounts {
    /// The server that is meant when none is named.
    pub fn default_server(&self) -> Option<ServerUrl> {
        self.default.as_ref()?.parse().ok()
    }

    /// How one is signed in to this server.
    pub fn get(&self, server: &ServerUrl) -> Option<&Account> {
        self.servers.get(&server.to_string())
    }

    /// The servers one is signed in to.
    pub fn servers(&self) -> impl Iterator<Item = ServerUrl> {
        self.servers.keys().filter_map(|server| server.parse().ok())
    }

    /// Adds or replaces an account; the server becomes the default one.
    pub fn sign_in(&mut self, server: &ServerUrl, account: Account) {
        self.default = Some(server.to_string());
        self.servers.insert(server.to_string(), account);
    }

    /// Removes an account; another server, if any, becomes the default one.
    pub fn sign_out(&mut self, server: &ServerUrl) -> Option<Account> {
        let removed = self.servers.remove(&server.to_string());
        if self.default.as_deref() == Some(&server.to_string()) {
            self.default = self.servers.keys().next().cloned();
        }
        removed
    }

    /// Replaces the tokens of a session; nothing when there is no account any more.
    pub fn renew(&mut self, server: &ServerUrl, tokens: &SessionTokens) {
        if let Some(account) = self.servers.get_mut(&server.to_string()) {
            account.secret = Secret::from(tokens);
        }
    }
}

impl From<&SessionTokens> for Secret {
    fn from(tokens: &SessionTokens) -> Self {
        Self::Session {
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
        }
    }
}

impl AccountsFile {
    /// The file in this directory, which need not exist.
    pub fn in_directory(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.join("config.toml")
    }

    /// Reads the file; without one there are no accounts.
    pub fn load(&self) -> Result<Accounts, AccountsError> {
        let path = self.path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Accounts::default()),
            Err(source) => return Err(AccountsError::Read { path, source }),
        };
        // The error's own display quotes the line, which may hold a secret.
        toml::from_str(&text)
            .map_err(|error| AccountsError::Malformed { path, what: error.message().to_owned() })
    }

    /// Takes the exclusive right to change the file; waits for its holder.
    pub fn lock(&self) -> Result<AccountsLock, AccountsError> {
        let path = self.directory.join("config.lock");
        let refuse = |source| AccountsError::Write { path: path.clone(), source };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(refuse)?;
        let lock =
            private().write(true).create(true).truncate(false).open(&path).map_err(refuse)?;
        let begun = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(AccountsLock { file: self.clone(), _lock: lock }),
                Err(TryLockError::Error(source)) => return Err(refuse(source)),
                Err(TryLockError::WouldBlock) if begun.elapsed() > LOCK_DEADLINE => {
                    return Err(AccountsError::Locked { path });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Changes the accounts under the lock and saves them.
    pub fn change<T>(&self, change: impl FnOnce(&mut Accounts) -> T) -> Result<T, AccountsError> {
        let lock = self.lock()?;
        let mut accounts = lock.load()?;
        let result = change(&mut accounts);
        lock.save(&accounts)?;
        Ok(result)
    }

    /// Whether others than the owner can read the file.
    pub fn is_exposed(&self) -> bool {
        fs::metadata(self.path()).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }
}

impl AccountsLock {
    /// Reads the file.
    pub fn load(&self) -> Result<Accounts, AccountsError> {
        self.file.load()
    }

    /// Replaces the file in one step, so that no reader ever sees half of it.
    pub fn save(&self, accounts: &Accounts) -> Result<(), AccountsError> {
        let path = self.file.path();
        let written = || -> io::Result<()> {
            let text = toml::to_string(accounts).map_err(io::Error::other)?;
            let draft = self.file.directory.join("config.toml.new");
            // Left behind by a crash, it could be readable by others.
            let _ = fs::remove_file(&draft);
            let mut file = private().write(true).create_new(true).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        written().map_err(|source| AccountsError::Write { path: path.clone(), source })
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> ServerUrl {
        text.parse().unwrap()
    }

    fn token(text: &str) -> Account {
        Account { email: "ada@example.com".into(), secret: Secret::Token { token: text.into() } }
    }

    #[test]
    fn the_file_and_its_directory_are_the_owners_alone() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("new/slipway");
        let file = AccountsFile::in_directory(&directory);
        file.change(|accounts| accounts.sign_in(&server("localhost:1"), token("t"))).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&file.path())), (0o700, 0o600));
        assert!(!file.is_exposed());
    }

    #[test]
    fn a_file_that_others_could_read_is_private_after_the_next_change() {
        let base = tempfile::tempdir().unwrap();
        let file = AccountsFile::in_directory(base.path());
        fs::write(file.path(), "").unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file.is_exposed());
        file.change(|accounts| accounts.sign_in(&server("localhost:1"), token("t"))).unwrap();
        assert!(!file.is_exposed());
    }

    #[test]
    fn several_servers_are_kept_and_the_last_one_is_the_default() {
        let base = tempfile::tempdir().unwrap();
        let file = AccountsFile::in_directory(base.path());
        let (one, two) = (server("http://localhost:1"), server("https://two.example.com"));
        let tokens = SessionTokens { access_token: "a".to_owned(), refresh_token: "r".to_owned() };
        let session = Account { email: "ada@example.com".into(), secret: Secret::from(&tokens) };
        file.change(|accounts| accounts.sign_in(&one, token("slp_1"))).unwrap();
        file.change(|accounts| accounts.sign_in(&two, session)).unwrap();
        insta::assert_snapshot!(fs::read_to_string(file.path()).unwrap(), @r#"
        default = "https://two.example.com"

        [servers."http://localhost:1"]
        email = "ada@example.com"
        token = "slp_1"

        [servers."https://two.example.com"]
        email = "ada@example.com"
        access_token = "a"
        refresh_token = "r"
        "#);
        file.change(|accounts| accounts.sign_out(&two)).unwrap();
        assert_eq!(file.load().unwrap().default_server(), Some(one));
    }

    #[test]
    fn a_broken_file_is_reported_without_its_secrets() {
        let base = tempfile::tempdir().unwrap();
        let file = AccountsFile::in_directory(base.path());
        fs::write(file.path(), "default = \"x\"\ntoken = slp_secret").unwrap();
        let error = file.load().err().unwrap().to_string();
        assert!(
            error.contains("config.toml is not valid") && !error.contains("slp_secret"),
            "{error}"
        );
    }

    #[test]
    fn changes_of_many_processes_are_all_kept() {
        let base = tempfile::tempdir().unwrap();
        let file = AccountsFile::in_directory(base.path());
        thread::scope(|scope| {
            for port in 1..=8 {
                let file = &file;
                scope.spawn(move || {
                    let server = server(&format!("localhost:{port}"));
                    file.change(|accounts| accounts.sign_in(&server, token("t"))).unwrap();
                });
            }
        });
        assert_eq!(file.load().unwrap().servers().count(), 8);
    }
}
