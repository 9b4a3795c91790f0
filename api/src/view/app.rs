//! Apps.

use slipway_core::instance::InstanceState;
use slipway_core::wire::app::{AppHealth, AppInfo, AppSummary};
use slipway_core::wire::process::ProcessInfo;
use slipway_store::{App, AppRow, AppState};

use crate::error::ApiError;
use crate::state::ApiState;
use crate::view;

/// An app as it is listed.
pub fn summary(state: &ApiState, row: &AppRow) -> AppSummary {
    AppSummary {
        name: row.app.name.clone(),
        url: state.settings.url_of(&row.app.name),
        health: health(row),
        version: row.live.as_ref().map(|live| live.version),
        source: row.live.as_ref().and_then(|live| live.source.clone()),
        ready: row.ready,
        wanted: row.wanted,
        deployed_at: row.live.as_ref().map(|live| live.since),
        created_at: row.app.created_at,
    }
}

/// How an app is, in one word.
fn health(row: &AppRow) -> AppHealth {
    match (&row.app.state, &row.live) {
        (AppState::Deleting, _) => AppHealth::Deleting,
        (AppState::Active, _) if row.deploying => AppHealth::Deploying,
        (AppState::Active, None) => AppHealth::Empty,
        (AppState::Active, Some(_)) => match (row.ready, row.wanted) {
            (_, 0) => AppHealth::Stopped,
            (0, _) => AppHealth::Down,
            (ready, wanted) if ready < wanted => AppHealth::Degraded,
            _ => AppHealth::Healthy,
        },
    }
}

/// An app, described.
///
/// # Errors
/// When it is gone, or the database does not answer.
pub async fn describe(state: &ApiState, app: &App) -> Result<AppInfo, ApiError> {
    let row = state.store.app_row(&app.id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("app", app.name.as_str()))?;
    let newest = state.store.deployments(&app.id, 1, None).await?.pop();
    let latest_deployment = match newest {
        Some(deployment) => Some(view::deployment::describe(state, &app.name, deployment).await?),
        None => None,
    };
    let domains = state.store.domains(&app.id).await?;
    Ok(AppInfo {
        summary: summary(state, &row),
        domains: domains.into_iter().map(|row| row.domain).collect(),
        git_url: state.settings.git_url_of(&app.name),
        deploy_branch: app.deploy_branch.clone(),
        processes: processes(state, app).await?,
        latest_deployment,
    })
}

/// The live release's processes with their counts.
async fn processes(state: &ApiState, app: &App) -> Result<Vec<ProcessInfo>, ApiError> {
    let Some(live) = state.store.live_release(&app.id).await? else { return Ok(Vec::new()) };
    let wanted = state.store.scale(&app.id).await?;
    let instances = state.store.instances(&app.id).await?;
    let processes = live.formation.processes.into_iter().map(|(name, spec)| {
        let ready = instances
            .iter()
            .filter(|it| it.release_id == live.id && it.process == name)
            .filter(|it| it.state == InstanceState::Ready)
            .count();
        ProcessInfo {
            command: spec.command.display(),
            wanted: wanted.get(&name).copied().unwrap_or_default(),
            ready: u32::try_from(ready).unwrap_or(u32::MAX),
            name,
        }
    });
    Ok(processes.collect())
}

#[cfg(test)]
mod tests {
    use slipway_core::id::{AppId, Id as _};
    use slipway_core::time::Timestamp;
    use slipway_store::LiveRelease;

    use super::*;

    fn row(state: AppState, live: bool, ready: u32, wanted: u32, deploying: bool) -> AppRow {
        AppRow {
            app: App {
                id: AppId::from_bits(1),
                name: "shop".parse().unwrap(),
                state,
                deploy_branch: "main".to_owned(),
                live_release_id: None,
                created_at: Timestamp(0),
                created_by: "ada@example.com".to_owned(),
            },
            live: live.then_some(LiveRelease { version: 1, source: None, since: Timestamp(0) }),
            wanted,
            ready,
            deploying,
        }
    }

    #[test]
    fn health_is_one_word_for_what_matters_most() {
        use AppState::{Active, Deleting};
        for (row, health_is) in [
            (row(Deleting, true, 1, 1, true), AppHealth::Deleting),
            (row(Active, true, 0, 1, true), AppHealth::Deploying),
            (row(Active, false, 0, 0, false), AppHealth::Empty),
            (row(Active, true, 0, 0, false), AppHealth::Stopped),
            (row(Active, true, 0, 2, false), AppHealth::Down),
            (row(Active, true, 1, 2, false), AppHealth::Degraded),
            (row(Active, true, 2, 2, false), AppHealth::Healthy),
        ] {
            assert_eq!(health(&row), health_is, "{row:?}");
        }
    }
}
