//! The server itself.

use slipway_core::id::AuditId;
use slipway_core::wire::audit::AuditEntry;
use slipway_core::wire::status::ServerStatus;

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// How the server is.
    pub async fn status(&self) -> Result<ServerStatus, ClientError> {
        self.fetch(Call::get(&["v1", "status"])).await
    }

    /// Who did what, newest first: at most `limit` rows, before the row `before` when given.
    pub async fn audit(
        &self,
        limit: Option<u32>,
        before: Option<&AuditId>,
    ) -> Result<Vec<AuditEntry>, ClientError> {
        let call = Call::get(&["v1", "audit"]).query("limit", limit).query("before", before);
        self.fetch(call).await
    }

    /// Whether the server process answers at all.
    pub async fn is_alive(&self) -> Result<(), ClientError> {
        self.perform(Call::get(&["healthz"])).await
    }

    /// Whether the server can do its work; a refusal says what it waits for.
    pub async fn is_ready(&self) -> Result<(), ClientError> {
        self.perform(Call::get(&["readyz"])).await
    }

    /// The API's own description, an `OpenAPI` document.
    pub async fn openapi(&self) -> Result<serde_json::Value, ClientError> {
        self.fetch(Call::get(&["openapi.json"])).await
    }
}
