//! Passwords: argon2id, on a bounded pool.
//!
//! One hash takes 19 MiB and some ten milliseconds of a core on purpose. A few run at a time and a
//! few more wait; the rest is told to come back, so that a flood of sign-ins costs the apps on
//! this machine nothing.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// Fewest characters of a password.
pub const MIN_CHARACTERS: usize = 10;
/// Most bytes of a password.
pub const MAX_BYTES: usize = 1024;
const AT_ONCE: usize = 2;
const WAITING: usize = 16;
const RETRY_AFTER_S: u64 = 2;

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
    /// The hash of no password anybody has: verified against when there is no account, so that the
    /// answer takes as long as for one that exists.
    nobody: Arc<str>,
}

impl Passwords {
    /// # Errors
    /// When the operating system has no randomness.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            working: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: hash(&format!("{:032x}", rand::random::<u128>()))?.into(),
        })
    }

    /// What to store of a new password.
    ///
    /// # Errors
    /// When it is too short or too long, or the pool is busy.
    pub async fn hash(&self, password: String) -> Result<String, ApiError> {
        check_shape(&password)?;
        let _place = self.place()?;
        let _turn = self.working.acquire().await.map_err(ApiError::internal)?;
        tokio::task::spawn_blocking(move || hash(&password))
            .await
            .map_err(ApiError::internal)?
            .map_err(ApiError::Internal)
    }

    /// Whether this is the password behind the stored hash. `None`, no account, takes as long.
    ///
    /// # Errors
    /// When the pool is busy or the stored hash is damaged.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, ApiError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.to_string());
        let _place = self.place()?;
        let _turn = self.working.acquire().await.map_err(ApiError::internal)?;
        let matches = tokio::task::spawn_blocking(move || verify(&password, &stored))
            .await
            .map_err(ApiError::internal)?
            .map_err(ApiError::Internal)?;
        Ok(matches && known)
    }

    fn place(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.waiting
            .try_acquire()
            .map_err(|_| ApiError::Busy { what: "sign-in", retry_after_s: RETRY_AFTER_S })
    }
}

fn check_shape(password: &str) -> Result<(), ApiError> {
    if password.chars().count() < MIN_CHARACTERS {
        return Err(ApiError::invalid(
            "weak_password",
            format!("the password has fewer than {MIN_CHARACTERS} characters"),
            "a sentence of four words is long enough and easy to keep",
        ));
    }
    if password.len() > MAX_BYTES {
        let message = format!("the password has more than {MAX_BYTES} bytes");
        return Err(ApiError::invalid("long_password", message, "use a shorter one"));
    }
    Ok(())
}

fn argon2id() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash(password: &str) -> anyhow::Result<String> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = argon2id().hash_password(password.as_bytes(), &salt);
    Ok(hash.map_err(|error| anyhow!("hash a password: {error}"))?.to_string())
}

fn verify(password: &str, stored: &str) -> anyhow::Result<bool> {
    let stored = PasswordHash::new(stored)
        .map_err(|error| anyhow!("{error}"))
        .context("read a stored password hash")?;
    Ok(password.len() <= MAX_BYTES
        && argon2id().verify_password(password.as_bytes(), &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse battery".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        let verify = async |password: &str, stored: Option<String>| {
            passwords.verify(password.to_owned(), stored).await.unwrap()
        };
        assert!(verify("correct horse battery", Some(stored.clone())).await);
        assert!(!verify("correct horse batterx", Some(stored)).await);
        assert!(!verify("correct horse battery", None).await);
    }

    #[tokio::test]
    async fn short_and_endless_passwords_are_refused() {
        let passwords = Passwords::new().unwrap();
        for bad in ["short", &"x".repeat(MAX_BYTES + 1)] {
            let refused = passwords.hash(bad.to_owned()).await;
            assert!(matches!(refused, Err(ApiError::Invalid { .. })));
        }
    }

    #[tokio::test]
    async fn a_flood_is_told_to_come_back() {
        let passwords = Passwords::new().unwrap();
        let flood = (0..40).map(|_| passwords.verify("guess".to_owned(), None));
        let answers = futures_util::future::join_all(flood).await;
        let busy = answers.iter().filter(|answer| matches!(answer, Err(ApiError::Busy { .. })));
        assert_eq!(busy.count(), 40 - AT_ONCE - WAITING);
    }
}
