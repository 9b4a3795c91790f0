//! Passwords: argon2id, on a bounded pool.
//!
//! One hash takes 19 MiB and some ten milliseconds of a core on purpose. A few run at a time and a
//! few more wait; the rest is told to come back, so that a flood of sign-ins costs the apps on
//! this machine nothing.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{Error, Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// Fewest characters of a password.
pub const MIN_CHARACTERS: usize = 10;
/// Most bytes of a password.
pub const MAX_BYTES: usize = 1024;
const AT_ONCE: usize = 2;
const WAITING: usize = 16;
const RETRY_AFTER_S: u64 = 2;
/// Blocks that the memory of a hash has room for at least: 33 MiB, of which what is not used is
/// never touched. The C library gives what is larger than 32 MiB back as soon as it is freed; 19 MiB
/// it would keep for good, which is more than all the rest of the server takes.
const ROOM: usize = 33 * 1024;

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

fn hash(password: &str) -> anyhow::Result<String> {
    let salt = SaltString::generate(&mut OsRng);
    let params = Params::default();
    let stored = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|error| anyhow!("{error}"))?,
        salt: Some(salt.as_salt()),
        hash: Some(digest(params, password, &salt).context("hash a password")?),
    };
    Ok(stored.to_string())
}

fn verify(password: &str, stored: &str) -> anyhow::Result<bool> {
    let read = || {
        let stored = PasswordHash::new(stored)?;
        let salt = SaltString::from_b64(stored.salt.ok_or(Error::PhcStringField)?.as_str())?;
        let expected = stored.hash.ok_or(Error::PhcStringField)?;
        Ok((Params::try_from(&stored)?, salt, expected))
    };
    let (params, salt, expected) =
        read().map_err(|error: Error| anyhow!("{error}")).context("read a stored password hash")?;
    // An `Output` is compared in constant time.
    Ok(password.len() <= MAX_BYTES && digest(params, password, &salt)? == expected)
}

fn digest(params: Params, password: &str, salt: &SaltString) -> anyhow::Result<Output> {
    let mut salt_bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut salt_bytes).map_err(|error| anyhow!("{error}"))?;
    let mut memory = Vec::with_capacity(params.block_count().max(ROOM));
    memory.resize(params.block_count(), Block::default());
    let argon2id = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut digest = [0; Params::DEFAULT_OUTPUT_LEN];
    argon2id
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut digest, &mut memory)
        .map_err(|error| anyhow!("{error}"))?;
    Output::new(&digest).map_err(|error| anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher as _;

    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse battery".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let verify = async |password: &str, stored: Option<String>| {
            passwords.verify(password.to_owned(), stored).await.unwrap()
        };
        assert!(verify("correct horse battery", Some(stored.clone())).await);
        assert!(!verify("correct horse batterx", Some(stored)).await);
        assert!(!verify("correct horse battery", None).await);
    }

    #[test]
    fn hashes_are_those_of_every_other_argon2id() {
        let salt = SaltString::generate(&mut OsRng);
        let theirs = Argon2::default().hash_password(b"correct horse battery", &salt).unwrap();
        assert!(verify("correct horse battery", &theirs.to_string()).unwrap());
        assert!(!verify("correct horse batterx", &theirs.to_string()).unwrap());
        assert!(verify("correct horse battery", "$argon2id$broken").is_err());
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
