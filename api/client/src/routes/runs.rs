//! One-off commands.

use slipway_core::id::{Id, JobId};
use slipway_core::name::AppName;
use slipway_core::wire::run::{ExecInfo, ExecRequest, RunInfo, RunRequest, RunUpdate};

use crate::attach::Attachment;
use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;
use crate::follow::Updates;

impl Client {
    /// Runs a command once, in a new instance of the live release.
    pub async fn run(&self, app: &AppName, request: &RunRequest) -> Result<RunInfo, ClientError> {
        self.fetch(Call::create(&["v1", "apps", app.as_str(), "runs"]).json(request)).await
    }

    /// Runs a command in an instance that runs, for whoever attaches to it.
    pub async fn exec(
        &self,
        app: &AppName,
        request: &ExecRequest,
    ) -> Result<ExecInfo, ClientError> {
        self.fetch(Call::create(&["v1", "apps", app.as_str(), "exec"]).json(request)).await
    }

    /// Attaches to a command that waits for it. It begins now.
    pub async fn attach_run(&self, app: &AppName, id: &JobId) -> Result<Attachment, ClientError> {
        self.attach(Call::get(&["v1", "apps", app.as_str(), "runs", id.as_str(), "attach"])).await
    }

    /// What a one-off command prints, until it has ended.
    pub fn follow_run(&self, app: &AppName, id: &JobId) -> Updates<RunUpdate> {
        let call = Call::get(&["v1", "apps", app.as_str(), "runs", id.as_str(), "stream"]);
        self.follow(call, None, |update| !matches!(update, RunUpdate::Line { .. }))
    }
}
