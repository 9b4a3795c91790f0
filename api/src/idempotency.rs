//! `Idempotency-Key`: a request that is repeated, because its answer was lost, is done once.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use slipway_store::{Idempotency, clock};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Type};

use crate::auth::caller::Caller;
use crate::error::ApiError;
use crate::state::ApiState;

const HEADER: &str = "idempotency-key";
const MAX_BYTES: usize = 255;
/// What is stored beside an answer; the route knows its own status.
const DONE: u16 = 200;

/// The key that a request came with, if any, and what it was sent to.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: Option<String>,
    /// Method and path.
    operation: String,
}

/// An answer, and whether it is the first of its kind.
#[derive(Debug, Clone)]
pub enum Once<T> {
    Fresh(T),
    Replayed(T),
}

impl<T> Once<T> {
    /// The answer, which is the same either way.
    pub fn answer(self) -> T {
        match self {
            Self::Fresh(answer) | Self::Replayed(answer) => answer,
        }
    }
}

impl IdempotencyKey {
    /// Does the work, unless the same person has had it done under this key within 24 hours: then
    /// they get the same answer again. Failed work is forgotten, and may be tried again. What `work`
    /// answers is stored, so it must hold no secret.
    ///
    /// # Errors
    /// Those of the work. 422 when the key was used for another request, 409 when the first one is
    /// still being done.
    pub async fn once<T: Serialize + DeserializeOwned>(
        &self,
        state: &ApiState,
        caller: &Caller,
        request: &impl Serialize,
        work: impl AsyncFnOnce() -> Result<T, ApiError>,
    ) -> Result<Once<T>, ApiError> {
        let Some(key) = &self.key else { return work().await.map(Once::Fresh) };
        let user = &caller.user.id;
        let hash = self.hash(request)?;
        match state.store.begin_idempotent(key, user, &hash, clock::now()).await? {
            Idempotency::New => {}
            Idempotency::Replay { body, .. } => {
                let answer = serde_json::from_str(&body).map_err(ApiError::internal)?;
                return Ok(Once::Replayed(answer));
            }
            Idempotency::Conflict => return Err(reused()),
            Idempotency::UnderWay => return Err(under_way()),
        }
        match work().await {
            Ok(answer) => {
                let body = serde_json::to_string(&answer).map_err(ApiError::internal)?;
                state.store.finish_idempotent(key, user, DONE, &body).await?;
                Ok(Once::Fresh(answer))
            }
            Err(error) => {
                state.store.abandon_idempotent(key, user).await?;
                Err(error)
            }
        }
    }

    fn hash(&self, request: &impl Serialize) -> Result<String, ApiError> {
        let body = serde_json::to_vec(request).map_err(ApiError::internal)?;
        let digest =
            Sha256::new().chain_update(&self.operation).chain_update([0]).chain_update(body);
        Ok(hex::encode(digest.finalize()))
    }
}

fn reused() -> ApiError {
    let message = "the `Idempotency-Key` was used for another request";
    ApiError::invalid("key_reused", message, "make a new key for each request")
}

fn under_way() -> ApiError {
    let message = "the first request with this `Idempotency-Key` is still being done";
    ApiError::conflict("still_running", message, "try again in a moment")
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let operation = format!("{} {}", parts.method, parts.uri.path());
        let Some(value) = parts.headers.get(HEADER) else {
            return Ok(Self { key: None, operation });
        };
        let key = value.to_str().ok().filter(|key| (1..=MAX_BYTES).contains(&key.len()));
        let key = key.ok_or_else(|| {
            ApiError::Malformed(format!("an `Idempotency-Key` has 1 to {MAX_BYTES} characters"))
        })?;
        Ok(Self { key: Some(key.to_owned()), operation })
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let meaning = "Repeating a request with the same key does it once, within 24 hours";
        let key = ParameterBuilder::new()
            .name(HEADER)
            .parameter_in(ParameterIn::Header)
            .description(Some(meaning))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build();
        vec![key]
    }
}
