//! What a route demands of its caller, as the type of its first argument.
//!
//! [`Permitted<S>`] is a caller with scope `S`. [`InApp<S>`] is a caller with scope `S` in the app
//! that the path names; an app the caller may not see is answered like one that does not exist.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use slipway_core::name::AppName;
use slipway_core::wire::auth::Scope;
use slipway_store::App;

use crate::auth::caller::Caller;
use crate::error::ApiError;
use crate::state::ApiState;

/// A scope as a type.
pub trait Needs {
    const SCOPE: Scope;
}

/// See everything but configuration values.
#[derive(Debug, Clone, Copy)]
pub struct Read;
/// Deploy and roll back.
#[derive(Debug, Clone, Copy)]
pub struct Deploy;
/// Change apps.
#[derive(Debug, Clone, Copy)]
pub struct Write;
/// Manage people and the server.
#[derive(Debug, Clone, Copy)]
pub struct Admin;

impl Needs for Read {
    const SCOPE: Scope = Scope::Read;
}

impl Needs for Deploy {
    const SCOPE: Scope = Scope::Deploy;
}

impl Needs for Write {
    const SCOPE: Scope = Scope::Write;
}

impl Needs for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// A caller with scope `S`, wherever their token is limited to: the route looks after that.
#[derive(Debug, Clone)]
pub struct Permitted<S> {
    pub caller: Caller,
    scope: PhantomData<S>,
}

/// A caller with scope `S` whose token is not limited to one app.
#[derive(Debug, Clone)]
pub struct Everywhere<S> {
    pub caller: Caller,
    scope: PhantomData<S>,
}

/// A caller with scope `S` in the app that the path names.
#[derive(Debug, Clone)]
pub struct InApp<S> {
    pub caller: Caller,
    pub app: App,
    scope: PhantomData<S>,
}

impl<S: Needs> FromRequestParts<ApiState> for Permitted<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require(S::SCOPE)?;
        Ok(Self { caller, scope: PhantomData })
    }
}

impl<S: Needs> FromRequestParts<ApiState> for Everywhere<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require(S::SCOPE)?;
        if caller.only_app().is_some() {
            return Err(ApiError::LimitedToApp);
        }
        Ok(Self { caller, scope: PhantomData })
    }
}

impl<S: Needs> FromRequestParts<ApiState> for InApp<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let name = app_in_path(parts, state).await?;
        let app = visible_app(&caller, &name, state).await?;
        caller.require(S::SCOPE)?;
        Ok(Self { caller, app, scope: PhantomData })
    }
}

/// The app with this name, when the caller may see it.
///
/// # Errors
/// The same [`ApiError::NotFound`] for an app that does not exist and for one out of sight.
pub async fn visible_app(caller: &Caller, name: &str, state: &ApiState) -> Result<App, ApiError> {
    let not_found = || ApiError::not_found("app", name);
    let name: AppName = name.parse().map_err(|_| not_found())?;
    let app = state.store.app(&name).await?.ok_or_else(not_found)?;
    if caller.may_see(&app.id) { Ok(app) } else { Err(not_found()) }
}

/// The path's `{app}`; in a repository's address it may end in `.git`.
async fn app_in_path(parts: &mut Parts, state: &ApiState) -> Result<String, ApiError> {
    let parameters =
        RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::NoSuchRoute)?;
    let name = parameters.iter().find(|(name, _)| *name == "app").map(|(_, value)| value);
    let name = name.ok_or(ApiError::NoSuchRoute)?;
    Ok(name.strip_suffix(".git").unwrap_or(name).to_owned())
}
