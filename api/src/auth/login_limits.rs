//! Limits on failed sign-ins, per account and per address.
//!
//! An attempt is counted before the password is looked at and taken back when it was right, so that
//! guesses sent side by side count like guesses sent one after the other.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slipway_core::name::Email;

use crate::auth::attempts::Attempts;

/// Counts failed sign-ins of this process.
pub struct LoginLimits(Mutex<Counts>);

struct Counts {
    accounts: Attempts<Email>,
    addresses: Attempts<IpAddr>,
}

impl LoginLimits {
    /// With the failures that an account and an address may have within 15 minutes.
    pub fn new(per_account: u32, per_address: u32) -> Self {
        Self(Mutex::new(Counts {
            accounts: Attempts::new(per_account),
            addresses: Attempts::new(per_address),
        }))
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// How long to wait, when either limit is reached; the attempt must not be made then.
    pub fn attempt(
        &self,
        account: Option<&Email>,
        from: IpAddr,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut counts = self.counts();
        counts.addresses.count(&from, now)?;
        account.map_or(Ok(()), |account| counts.accounts.count(account, now))
    }

    /// Takes an attempt back that was right.
    pub fn succeeded(&self, account: Option<&Email>, from: IpAddr) {
        let mut counts = self.counts();
        counts.addresses.take_back(&from);
        if let Some(account) = account {
            counts.accounts.forget(account);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(name: &str) -> Email {
        format!("{name}@example.com").parse().unwrap()
    }

    #[test]
    fn an_account_waits_from_wherever_it_is_tried() {
        let limits = LoginLimits::new(3, 100);
        let now = Instant::now();
        let attempt = |name: &str, last: u8| {
            limits.attempt(Some(&email(name)), IpAddr::from([10, 0, 0, last]), now)
        };
        for last in 0..3 {
            assert!(attempt("ada", last).is_ok());
        }
        assert!(attempt("ada", 9).is_err());
        assert!(attempt("bob", 9).is_ok());
    }

    #[test]
    fn an_address_waits_whatever_account_it_tries() {
        let limits = LoginLimits::new(100, 3);
        let (from, now) = (IpAddr::from([10, 0, 0, 1]), Instant::now());
        for name in ["a", "b", "c"] {
            assert!(limits.attempt(Some(&email(name)), from, now).is_ok());
        }
        assert!(limits.attempt(Some(&email("d")), from, now).is_err());
        assert!(limits.attempt(None, from, now).is_err());
        assert!(limits.attempt(Some(&email("d")), IpAddr::from([10, 0, 0, 2]), now).is_ok());
    }

    #[test]
    fn a_right_password_counts_for_nothing() {
        let limits = LoginLimits::new(2, 2);
        let (ada, from, now) = (email("ada"), IpAddr::from([10, 0, 0, 1]), Instant::now());
        for _ in 0..20 {
            assert!(limits.attempt(Some(&ada), from, now).is_ok());
            limits.succeeded(Some(&ada), from);
        }
    }
}
