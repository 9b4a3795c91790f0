//! The verdict on a push: what the `pre-receive` hook asks for.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use slipway_core::deployment::{Deployment, DeploymentKind};
use slipway_core::id::SourceId;
use slipway_core::release::Source;
use slipway_store::{NewDeployment, StoreError, mint};
use tempfile::NamedTempFile;
use tokio::net::{UnixListener, UnixStream};

use crate::error::ApiError;
use crate::git::hook::HookRequest;
use crate::git::hook_line::HookLine;
use crate::git::hooks::{HookError, Hooks};
use crate::git::narrate::{narrate, plain};
use crate::git::plan::{DeployBranch, PushPlan, RefUpdate, detail, step, warning};
use crate::git::pushes::Push;
use crate::git::snapshot::{Archive, CommitNote, Snapshot, SnapshotError};
use crate::live::deployment::Follower;
use crate::publish::publish;
use crate::state::ApiState;

/// Where hooks find this process.
pub fn socket_path(state: &ApiState) -> PathBuf {
    state.data_dir.run().join("git-hook.sock")
}

/// Answers the hooks of the pushes that are under way here.
pub struct HookListener {
    listener: UnixListener,
}

impl HookListener {
    /// Installs the hook and opens its socket.
    ///
    /// # Errors
    /// When either cannot be made, for example because a path is too long.
    pub fn bind(state: &ApiState) -> Result<Self, HookError> {
        Hooks::install(&state.data_dir, &state.settings.hook)?;
        let path = socket_path(state);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        Ok(Self { listener: UnixListener::bind(&path)? })
    }

    /// Answers until the shutdown; pushes that wait are told that their deployment goes on.
    pub async fn run(self, state: ApiState) {
        let shutdown = state.tasks.shutdown.clone();
        while let Some(accepted) = shutdown.run_until_cancelled(self.listener.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    state.tasks.spawn(answer(state.clone(), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a git hook");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn answer(state: ApiState, stream: UnixStream) {
    let (request, hook) = match HookLine::open(&state, stream).await {
        Ok(asked) => asked,
        Err(error) => return tracing::warn!(%error, "a git hook asked nothing that is understood"),
    };
    let Some(push) = state.pushes.find(&request.push) else {
        hook.say(warning("this push is not known to the server any more")).await;
        return hook.conclude(false).await;
    };
    let shutdown = state.tasks.shutdown.clone();
    let verdict = tokio::select! {
        verdict = judge(&state, &push, &request, &hook) => verdict,
        () = shutdown.cancelled() => Err(Refusal::restarting()),
    };
    if let Err(Refusal(lines)) = &verdict {
        hook.say_all(lines.clone()).await;
    }
    hook.conclude(verdict.is_ok()).await;
}

/// Why a push is rejected, in the push grammar.
struct Refusal(Vec<String>);

impl Refusal {
    fn new(problem: &str, hint: &str) -> Self {
        Self(vec![warning(problem), detail(&format!("hint: {hint}"))])
    }

    fn restarting() -> Self {
        Self::new(
            "the server is restarting",
            "a deployment that was accepted goes on (`slipway logs`); push again in a minute",
        )
    }

    /// The deployment has said why.
    fn spoken() -> Self {
        Self(Vec::new())
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        if let ApiError::Internal(cause) = &error {
            tracing::error!(error = format!("{cause:#}"), "a push failed");
        }
        Self::new(&error.public_message(), &error.hint().unwrap_or_default())
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        ApiError::Internal(error).into()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        ApiError::from(error).into()
    }
}

impl From<SnapshotError> for Refusal {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Failed(cause) => cause.into(),
            SnapshotError::TooLarge { .. } | SnapshotError::TooSlow => {
                Self::new(&error.to_string(), "keep large files out of the repository")
            }
        }
    }
}

async fn judge(
    state: &ApiState,
    push: &Arc<Push>,
    request: &HookRequest,
    hook: &HookLine,
) -> Result<(), Refusal> {
    let updates = RefUpdate::parse_all(&request.updates)
        .map_err(|problem| Refusal::new(&problem, "push one branch at a time"))?;
    let current = head_of(push, &push.deploy_branch).await?;
    let deploys = DeployBranch { name: &push.deploy_branch, exists: current.is_some() };
    match PushPlan::decide(&updates, deploys) {
        PushPlan::Refuse { lines } => Err(Refusal(printable(&lines))),
        PushPlan::Store { notes } => {
            hook.say_all(printable(&notes)).await;
            Ok(())
        }
        PushPlan::Deploy { update, branch, notes } => {
            hook.say_all(printable(&notes)).await;
            let claimed = request.quarantine.as_deref();
            let quarantine = claimed.map(|it| push.repository.quarantine(it)).transpose()?;
            let source = Snapshot::new(push.repository.clone(), quarantine, update.new.clone());
            deploy(state, push, &update, &branch, source, hook).await
        }
    }
}

fn printable(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| plain(line)).collect()
}

/// Deploys a commit and waits for the end; `Ok` when it is live.
async fn deploy(
    state: &ApiState,
    push: &Push,
    update: &RefUpdate,
    branch: &str,
    source: Snapshot,
    hook: &HookLine,
) -> Result<(), Refusal> {
    let head = head_of(push, branch).await?;
    if head.as_ref() == Some(&update.new) {
        // It went live while this push was on its way, for another that nobody waits for any more.
        hook.say(step(&format!("{} is deployed already", update.new.short()))).await;
        return make_way(push, update, branch).await;
    }
    if head.is_some_and(|head| head != update.old) {
        let hint = "fetch, look at what changed, and push again";
        return Err(Refusal::new("somebody else pushed meanwhile", hint));
    }
    let noted = source.clone();
    let note =
        tokio::task::spawn_blocking(move || noted.note()).await.map_err(ApiError::internal)??;
    let (id, archive) = store_source(state, &source).await?;
    if hook.is_gone() {
        return Err(Refusal::spoken());
    }
    if branch != push.deploy_branch {
        state.store.set_deploy_branch(&push.app_id, branch).await?;
        let (repository, branch) = (push.repository.clone(), branch.to_owned());
        let begun = tokio::task::spawn_blocking(move || repository.begin_on(&branch));
        begun.await.map_err(ApiError::internal)??;
    }
    let deployment = accept(state, push, update, branch, note, id, &archive).await?;
    let commit = update.new.short();
    hook.say(step(&format!("Accepted {commit} as deployment {}", deployment.sequence))).await;
    let live = tokio::select! {
        live = narrate(Follower::new(state, &deployment, None), hook) => live?,
        () = hook.gone() => return Err(Refusal::spoken()),
    };
    if !live {
        return Err(Refusal::spoken());
    }
    make_way(push, update, branch).await
}

async fn store_source(state: &ApiState, source: &Snapshot) -> Result<(SourceId, Archive), Refusal> {
    let id: SourceId = mint::id();
    let draft = NamedTempFile::new_in(state.data_dir.scratch()).map_err(ApiError::internal)?;
    let archive = source.write(draft.path(), state.settings.limits.unpacked_bytes).await?;
    let place = state.data_dir.source(&id);
    tokio::task::spawn_blocking(move || publish(draft.path(), &place))
        .await
        .map_err(ApiError::internal)?
        .context("keep a source archive")?;
    Ok((id, archive))
}

async fn accept(
    state: &ApiState,
    push: &Push,
    update: &RefUpdate,
    branch: &str,
    note: CommitNote,
    source_id: SourceId,
    archive: &Archive,
) -> Result<Deployment, Refusal> {
    let log_start = state.logs.end(&push.app_id).await.context("read the log's end")?;
    state.store.record_source(&source_id, &push.app_id, archive.bytes, &archive.sha256).await?;
    let new = NewDeployment {
        app_id: push.app_id.clone(),
        kind: DeploymentKind::Push,
        description: format!("push {}", update.new.short()),
        source: Some(Source::Git {
            source_id,
            commit: update.new.to_string(),
            branch: branch.to_owned(),
            subject: note.subject,
            author: note.author,
        }),
        by: push.by.clone(),
        log_start,
        target_release: None,
    };
    Ok(state.store.accept(new).await?)
}

/// Lets git move the branch to what is live now. When an older push that was overtaken has moved it
/// meanwhile, git would find the branch elsewhere than this pusher saw it and call a live deployment
/// rejected: the branch is put back first, because the newest deployment decides.
async fn make_way(push: &Push, update: &RefUpdate, branch: &str) -> Result<(), Refusal> {
    let Some(head) = head_of(push, branch).await? else { return Ok(()) };
    if head == update.old {
        return Ok(());
    }
    let (repository, branch, old) =
        (push.repository.clone(), branch.to_owned(), update.old.clone());
    tokio::task::spawn_blocking(move || repository.put_back(&branch, &old, &head))
        .await
        .map_err(ApiError::internal)??;
    Ok(())
}

async fn head_of(push: &Push, branch: &str) -> Result<Option<crate::git::plan::ObjectId>, Refusal> {
    let (repository, branch) = (push.repository.clone(), branch.to_owned());
    let head = tokio::task::spawn_blocking(move || repository.head_of(&branch)).await;
    Ok(head.map_err(ApiError::internal)??)
}
