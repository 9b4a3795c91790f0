//! A session kept in the accounts file: renewed by one `slipway` at a time, seen by all.

use std::io;

use slipway_client::{ServerUrl, SessionLock, SessionStore, SessionTokens};

use crate::accounts::{AccountsFile, AccountsLock, Secret};

/// The session with one server.
pub struct FileSession {
    pub file: AccountsFile,
    pub server: ServerUrl,
}

struct FileSessionLock {
    lock: AccountsLock,
    server: ServerUrl,
}

impl SessionStore for FileSession {
    fn lock(&self) -> io::Result<Box<dyn SessionLock>> {
        let lock = self.file.lock().map_err(io::Error::other)?;
        Ok(Box::new(FileSessionLock { lock, server: self.server.clone() }))
    }
}

impl SessionLock for FileSessionLock {
    fn newest(&self) -> io::Result<SessionTokens> {
        let accounts = self.lock.load().map_err(io::Error::other)?;
        match accounts.get(&self.server).map(|account| account.secret.clone()) {
            Some(Secret::Session { access_token, refresh_token }) => {
                Ok(SessionTokens { access_token, refresh_token })
            }
            Some(Secret::Token { .. }) | None => {
                Err(io::Error::other(format!("signed out of {} meanwhile", self.server)))
            }
        }
    }

    fn save(&mut self, tokens: &SessionTokens) -> io::Result<()> {
        let mut accounts = self.lock.load().map_err(io::Error::other)?;
        accounts.renew(&self.server, tokens);
        self.lock.save(&accounts).map_err(io::Error::other)
    }
}
