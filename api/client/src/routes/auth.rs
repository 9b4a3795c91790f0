//! Claiming, signing in, tokens.

use slipway_core::id::{Id, TokenId};
use slipway_core::wire::auth::{
    ClaimRequest, LoginRequest, NewToken, PasswordChange, RefreshRequest, Session, Token,
    TokenRequest, WhoAmI,
};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Claims a new installation: makes its first person and signs them in.
    pub async fn claim(&self, request: &ClaimRequest) -> Result<Session, ClientError> {
        self.fetch(Call::post(&["v1", "claim"]).json(request)).await
    }

    /// Signs in with a password.
    pub async fn login(&self, request: &LoginRequest) -> Result<Session, ClientError> {
        self.fetch(Call::post(&["v1", "login"]).json(request)).await
    }

    /// Trades a refresh token for the next pair. It works once, so it is never sent twice.
    pub async fn refresh(&self, request: &RefreshRequest) -> Result<Session, ClientError> {
        self.fetch(Call::post(&["v1", "refresh"]).json(request)).await
    }

    /// Ends the session of these credentials.
    pub async fn logout(&self) -> Result<(), ClientError> {
        self.perform(Call::post(&["v1", "logout"])).await
    }

    /// Who these credentials belong to.
    pub async fn me(&self) -> Result<WhoAmI, ClientError> {
        self.fetch(Call::get(&["v1", "me"])).await
    }

    /// Changes one's own password; every other session ends.
    pub async fn change_password(&self, change: &PasswordChange) -> Result<(), ClientError> {
        self.perform(Call::put(&["v1", "me", "password"]).json(change)).await
    }

    /// The API tokens one may see, without their secrets.
    pub async fn tokens(&self) -> Result<Vec<Token>, ClientError> {
        self.fetch(Call::get(&["v1", "tokens"])).await
    }

    /// Makes an API token; its secret is in this answer and nowhere else.
    pub async fn create_token(&self, request: &TokenRequest) -> Result<NewToken, ClientError> {
        self.fetch(Call::create(&["v1", "tokens"]).json(request)).await
    }

    /// Ends an API token.
    pub async fn revoke_token(&self, id: &TokenId) -> Result<(), ClientError> {
        self.perform(Call::delete(&["v1", "tokens", id.as_str()])).await
    }
}
