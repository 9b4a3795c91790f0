//! From a deployment's source to an image and a release.

use std::path::{Path, PathBuf};
use std::time::Duration;

use slipway_core::deployment::Deployment;
use slipway_core::id::SourceId;
use slipway_core::log::LogSource;
use slipway_core::name::ProcessName;
use slipway_core::process::{Command, Formation, HealthCheck, Limits, ProcessSpec, StaticFiles};
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::{ImageRef, Source};
use slipway_store::mint;
use slipway_store::releases::NewRelease;
use tokio::sync::mpsc;

use super::deploy::{Halt, Work};
use crate::announce::Announcer;
use crate::builder::{BuildError, BuildLog, BuildRequest};
use crate::context::Host;
use crate::source::base::Bases;
use crate::source::context::write_context;
use crate::source::plan::{BuildPlan, PlanInputs};
use crate::source::recipe::DEFAULT_PORT;
use crate::source::static_files::{RECORD_DIRECTORY, read_static_files};
use crate::source::tree::SourceTree;
use crate::{disk, static_files};

/// On a full disk, what no build used for this long is given up first.
const BUSY_CACHE: Duration = Duration::from_mins(30);
/// Lines of build output that wait to be written.
const LOG_BUFFER: usize = 256;

/// Makes the deployment's image and, from it, its release.
pub(super) async fn image<H: Host>(
    work: &Work<'_, H>,
    deployment: &Deployment,
) -> Result<(), Halt> {
    if deployment.release_id.is_some() {
        return Ok(());
    }
    preflight(work).await?;
    let context = work.context;
    let instances: u32 = context.store.scale(&work.app.id).await?.values().sum();
    let (app_id, app) = (work.app.id.clone(), work.app.name.clone());
    let host = context.host.clone();
    // Beside the build: one for each instance to come, and one for the release command.
    let prepared = tokio::spawn(async move {
        host.prepare(&app_id, &app, instances.max(1) as usize + 1).await;
    });
    let (log, writer) = build_log(work.announcer.clone());
    let made = make(work, deployment, &log).await;
    drop(log);
    // Every line of the build stands in the log before anything is said about its end.
    writer.await?;
    let (image, formation) = made?;
    prepared.await?;
    let new = NewRelease {
        image,
        formation,
        description: deployment.description.clone(),
        source: deployment.source.clone(),
        copy_of: None,
        sealed_config: context.store.sealed_config_of_app(&work.app.id).await?,
    };
    let release = context.store.create_release(&deployment.id, work.run.fence, new).await?;
    tracing::info!(app = %work.app.name, version = release.version, "a release was made");
    Ok(())
}

async fn preflight<H: Host>(work: &Work<'_, H>) -> Result<(), Halt> {
    let context = work.context;
    let folders = || [Some(context.data.root()), context.host.storage()].into_iter().flatten();
    if disk::too_full_to_build(folders())?.is_none() {
        return Ok(());
    }
    context.host.trim_cache(BUSY_CACHE).await.map_err(halt)?;
    let Some((folder, space)) = disk::too_full_to_build(folders())? else { return Ok(()) };
    let mib = space.free_bytes / (1024 * 1024);
    let sentence =
        format!("the disk of `{}` has {mib} MiB left, too little to build", folder.display());
    Err(Halt::Failed(Reason::new(ReasonCode::DiskFull, sentence)))
}

/// Writes build output to the deployment's lines as it comes.
fn build_log(announcer: Announcer) -> (BuildLog, tokio::task::JoinHandle<()>) {
    let (log, mut lines) = mpsc::channel::<String>(LOG_BUFFER);
    let writer = tokio::spawn(async move {
        let mut batch = Vec::new();
        while lines.recv_many(&mut batch, LOG_BUFFER).await > 0 {
            announcer.output(LogSource::Build, std::mem::take(&mut batch));
        }
    });
    (log, writer)
}

async fn make<H: Host>(
    work: &Work<'_, H>,
    deployment: &Deployment,
    log: &BuildLog,
) -> Result<(ImageRef, Formation), Halt> {
    match &deployment.source {
        Some(Source::Image { reference }) => pulled(work, reference, log).await,
        Some(Source::Git { source_id, .. } | Source::Upload { source_id, .. }) => {
            built(work, deployment, source_id, log).await
        }
        None => {
            let sentence = "the deployment has no source to build from";
            Err(Halt::Failed(Reason::new(ReasonCode::Internal, sentence)))
        }
    }
}

async fn pulled<H: Host>(
    work: &Work<'_, H>,
    reference: &str,
    log: &BuildLog,
) -> Result<(ImageRef, Formation), Halt> {
    let host = &work.context.host;
    work.announcer.step(&format!("Image {reference}"));
    let image = host.pull(reference, log).await.map_err(halt)?;
    let exposed = host.exposed_ports(&image).await.map_err(halt)?;
    let port = match exposed.as_slice() {
        [port] => *port,
        _ => DEFAULT_PORT,
    };
    let web = ProcessSpec {
        command: Command::Image,
        port: Some(port),
        health: HealthCheck::default(),
        limits: Limits::default(),
    };
    let processes = [(ProcessName::web(), web)].into();
    Ok((image, Formation { processes, ..Formation::default() }))
}

async fn built<H: Host>(
    work: &Work<'_, H>,
    deployment: &Deployment,
    source_id: &SourceId,
    log: &BuildLog,
) -> Result<(ImageRef, Formation), Halt> {
    let context = work.context;
    let (tree, plan) = planned(work, source_id).await?;
    for key in &plan.generated_config {
        let value = mint::secret();
        context.store.generate_config_if_absent(&work.app.id, key, &value, &context.keys).await?;
    }
    let image = match context.host.find(&deployment.id).await.map_err(halt)? {
        // An earlier attempt finished the build and was interrupted before it could say so.
        Some(image) => image,
        None => build(work, deployment, tree, &plan, log).await?,
    };
    let exposed = context.host.exposed_ports(&image).await.map_err(halt)?;
    let files = if plan.records_static_files() { exported(work, &image).await? } else { None };
    let formation = plan.formation(&exposed, files);
    Ok((image, formation))
}

/// Reads the archive and plans its build; both are work for a thread of their own.
async fn planned<H: Host>(
    work: &Work<'_, H>,
    source_id: &SourceId,
) -> Result<(SourceTree, BuildPlan), Halt> {
    let archive = work.context.data.source(source_id);
    let inputs = PlanInputs {
        cache_scope: work.app.id.to_string(),
        arguments: work.context.settings.build_arguments.clone(),
        has_certificates: !work.context.certificates.is_empty(),
    };
    let planned = tokio::task::spawn_blocking(move || {
        let tree = SourceTree::read(&archive)
            .map_err(|error| Reason::new(ReasonCode::InvalidSource, error.to_string()))?;
        let plan = BuildPlan::of(&tree, &inputs)?;
        Ok::<_, Reason>((tree, plan))
    });
    planned.await?.map_err(Halt::Failed)
}

async fn build<H: Host>(
    work: &Work<'_, H>,
    deployment: &Deployment,
    tree: SourceTree,
    plan: &BuildPlan,
    log: &BuildLog,
) -> Result<ImageRef, Halt> {
    let host = &work.context.host;
    let mut bases = Bases::new();
    for need in plan.needs() {
        let base = host.base(&need, log, &work.cancel).await.map_err(halt)?;
        bases.insert(need, base);
    }
    work.announcer.step(&plan.headline(&bases));
    for warning in &plan.warnings {
        work.announcer.warning(warning);
    }
    let scratch =
        tempfile::Builder::new().prefix("build-").tempdir_in(work.context.data.scratch())?;
    let request = BuildRequest {
        app_id: work.app.id.clone(),
        app: work.app.name.clone(),
        deployment_id: deployment.id.clone(),
        context: write(work, tree, plan, &bases, scratch.path()).await?,
        dockerfile: plan.dockerfile_path(),
        arguments: plan.arguments(&bases),
        titles: plan.titles(),
    };
    host.build(&request, log, &work.cancel).await.map_err(halt)
}

async fn write<H: Host>(
    work: &Work<'_, H>,
    tree: SourceTree,
    plan: &BuildPlan,
    bases: &Bases,
    scratch: &Path,
) -> Result<PathBuf, Halt> {
    let out = scratch.join("context.tar");
    let (plan, bases, path) = (plan.clone(), bases.clone(), out.clone());
    let certificates = work.context.certificates.clone();
    tokio::task::spawn_blocking(move || write_context(&tree, &plan, &bases, &certificates, &path))
        .await?
        .map_err(Halt::Failed)?;
    Ok(out)
}

/// Copies the image's static files to where the proxy serves them from.
async fn exported<H: Host>(
    work: &Work<'_, H>,
    image: &ImageRef,
) -> Result<Option<StaticFiles>, Halt> {
    let host = &work.context.host;
    let scratch =
        tempfile::Builder::new().prefix("static-").tempdir_in(work.context.data.scratch())?;
    let record = scratch.path().join("record");
    host.export(image, RECORD_DIRECTORY, &record).await.map_err(halt)?;
    let Some(files) = read_static_files(&record) else { return Ok(None) };
    let root = work.context.data.static_files(&work.app.id);
    let target = static_files::directory(&root, image);
    if !target.exists() {
        tokio::fs::create_dir_all(&root).await?;
        let staged = scratch.path().join("files");
        host.export(image, &files.directory, &staged).await.map_err(halt)?;
        tokio::fs::rename(&staged, &target).await?;
    }
    Ok(Some(files))
}

/// What a builder's failure means for the deployment.
pub(super) fn halt(error: BuildError) -> Halt {
    match error {
        BuildError::Failed(reason) => Halt::Failed(reason),
        BuildError::Canceled => Halt::Interrupted,
        error @ BuildError::Unavailable(_) => Halt::Passing(error.into()),
    }
}
