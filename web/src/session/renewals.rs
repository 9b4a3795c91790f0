//! Renewing sessions, each once.
//!
//! A refresh token works once, and a second use ends its session. But a browser sends the same
//! cookie many times: from several tabs, or again when a person goes on to another page before the
//! first has answered. So a renewal is shared by everybody who brings the same token, and
//! remembered until the browser has surely taken the next one. Nobody owns a renewal: when the
//! request that began it goes away, the next one with the same token takes it up where it stands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use sha2::{Digest, Sha256};
use slipway_client::{Client, ClientError};
use slipway_core::wire::auth::{RefreshRequest, Session};

/// How long a renewal is remembered.
const REMEMBERED: Duration = Duration::from_mins(1);

type Renewal = Shared<BoxFuture<'static, Result<Arc<Session>, Arc<ClientError>>>>;
/// The digest of a refresh token, so that a used one is kept nowhere.
type Key = [u8; 32];

/// The renewals of the last minute.
#[derive(Default)]
pub struct Renewals {
    recent: Mutex<HashMap<Key, (Instant, Renewal)>>,
}

impl Renewals {
    /// The session that follows this refresh token, asked for with this client, which is signed in
    /// as nobody.
    ///
    /// # Errors
    /// What the API says against it; the next attempt asks again.
    pub async fn renew(
        &self,
        client: &Client,
        refresh_token: String,
    ) -> Result<Arc<Session>, Arc<ClientError>> {
        let key: Key = Sha256::digest(&refresh_token).into();
        let outcome = self.shared(key, client, refresh_token, Instant::now()).await;
        if outcome.is_err() {
            self.recent().remove(&key);
        }
        outcome
    }

    fn shared(&self, key: Key, client: &Client, refresh_token: String, now: Instant) -> Renewal {
        let mut recent = self.recent();
        recent.retain(|_, (began, _)| now.saturating_duration_since(*began) < REMEMBERED);
        let (_, renewal) = recent.entry(key).or_insert_with(|| {
            let client = client.clone();
            let renewal = async move {
                let request = RefreshRequest { refresh_token };
                client.refresh(&request).await.map(Arc::new).map_err(Arc::new)
            };
            (now, renewal.boxed().shared())
        });
        renewal.clone()
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<Key, (Instant, Renewal)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::new("http://127.0.0.1:1".parse().unwrap(), "test/1").unwrap()
    }

    #[test]
    fn everybody_with_the_same_token_shares_one_renewal() {
        let (renewals, client) = (Renewals::default(), client());
        let start = Instant::now();
        let renew = |key, seconds| {
            let at = start + Duration::from_secs(seconds);
            renewals.shared([key; 32], &client, "token".into(), at)
        };
        let first = renew(1, 0);
        assert!(first.ptr_eq(&renew(1, 59)));
        assert!(!first.ptr_eq(&renew(2, 59)));
        assert!(!first.ptr_eq(&renew(1, 61)), "what is older is forgotten");
        assert_eq!(renewals.recent().len(), 2);
    }

    #[tokio::test]
    async fn a_failed_renewal_is_not_remembered() {
        let renewals = Renewals::default();
        assert!(renewals.renew(&client(), "token".into()).await.is_err());
        assert!(renewals.recent().is_empty());
    }
}
