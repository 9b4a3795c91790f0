//! Deployments.

use std::fs::File;
use std::sync::Arc;

use slipway_core::id::{DeploymentId, Id};
use slipway_core::name::AppName;
use slipway_core::wire::deployment::{DeployImage, DeploymentInfo, DeploymentUpdate};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;
use crate::follow::Updates;

impl Client {
    /// An app's deployments, newest first.
    pub async fn deployments(&self, app: &AppName) -> Result<Vec<DeploymentInfo>, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "deployments"])).await
    }

    /// One deployment.
    pub async fn deployment(&self, id: &DeploymentId) -> Result<DeploymentInfo, ClientError> {
        self.fetch(Call::get(&["v1", "deployments", id.as_str()])).await
    }

    /// Cancels a deployment. The answer is that deployment, or, when it was live already, the
    /// rollback that takes it back.
    pub async fn cancel_deployment(
        &self,
        id: &DeploymentId,
    ) -> Result<DeploymentInfo, ClientError> {
        self.fetch(Call::post(&["v1", "deployments", id.as_str(), "cancel"])).await
    }

    /// A deployment's output and moves from its beginning, or after an id of an earlier stream,
    /// until it is live or has ended.
    pub fn follow_deployment(
        &self,
        id: &DeploymentId,
        resume: Option<String>,
    ) -> Updates<DeploymentUpdate> {
        let call = Call::get(&["v1", "deployments", id.as_str(), "stream"]);
        self.follow(call, resume, |update| matches!(update, DeploymentUpdate::Done { .. }))
    }

    /// Deploys a directory, packed as a gzipped tar in `archive`, of at most
    /// [`MAX_ARCHIVE_BYTES`](crate::MAX_ARCHIVE_BYTES). `progress` is told the bytes sent so far.
    pub async fn deploy_archive(
        &self,
        app: &AppName,
        archive: &File,
        description: &str,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<DeploymentInfo, ClientError> {
        let call = Call::create(&["v1", "apps", app.as_str(), "deploy", "archive"])
            .query("description", Some(description));
        let response = self.upload(&call, archive, Arc::new(progress)).await?;
        self.decode(response).await
    }

    /// Deploys a ready image.
    pub async fn deploy_image(
        &self,
        app: &AppName,
        image: &DeployImage,
    ) -> Result<DeploymentInfo, ClientError> {
        self.fetch(Call::create(&["v1", "apps", app.as_str(), "deploy", "image"]).json(image)).await
    }
}
