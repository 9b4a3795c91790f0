//! How one process scales by itself: its settings, why it is where it is, and what other settings
//! would have done.

pub mod rows;
pub mod settings;
pub mod simulated;

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_client::MetricsQuery;
use slipway_core::metric::Metric;
use slipway_core::name::{AppName, ProcessName};
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::autoscale::{AppAutoscale, SimulateRequest, Simulation};
use slipway_core::wire::metrics::AppMetrics;

use crate::failure::{Failure, Refusal};
use crate::guard::Guarded;
use crate::pages::app::autoscale::rows::{DecisionRow, why};
use crate::pages::app::autoscale::settings::SettingsForm;
use crate::pages::app::autoscale::simulated::{Simulated, back};
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::prose::Piece;
use crate::visit::{Page, Visit};

/// Points of the drawn simulation: a pixel or two each.
const POINTS: u32 = 400;
const DECISIONS_SHOWN: usize = 10;

/// A process, with what makes its count.
#[derive(Debug, Serialize)]
pub struct AutoscalePage {
    head: AppHead,
    process: String,
    /// Only `web` can sleep and be woken.
    can_sleep: bool,
    is_on: bool,
    /// How many instances are wanted now.
    count: u32,
    /// Why that many.
    why: Vec<Piece>,
    form: SettingsForm,
    refusal: Option<Refusal>,
    simulated: Option<Simulated>,
    decisions: Vec<DecisionRow>,
}

/// What the form and the space below it show.
#[derive(Debug)]
pub enum Draft {
    /// The settings as they are.
    Present,
    /// What was sent, and what speaks against it.
    Refused(SettingsForm, Refusal),
    /// What was sent, and what it would have done.
    Simulated(SettingsForm, Box<(Simulation, AppMetrics)>),
}

impl AutoscalePage {
    /// `None` when the app has no such process.
    pub fn new(
        app: AppInfo,
        process: &ProcessName,
        scaled: AppAutoscale,
        draft: Draft,
        now: Timestamp,
    ) -> Option<Self> {
        let count = app.processes.iter().find(|it| it.name == *process)?.wanted;
        let info = scaled.processes.into_iter().find(|info| info.process == *process);
        let present = || info.as_ref().map_or_else(SettingsForm::default, SettingsForm::of);
        let (form, refusal, simulated) = match draft {
            Draft::Present => (present(), None, None),
            Draft::Refused(form, refusal) => (form, Some(refusal), None),
            Draft::Simulated(form, answers) => {
                let (simulation, metrics) = *answers;
                (form, None, Some(Simulated::new(&simulation, &metrics)))
            }
        };
        let decisions = scaled.decisions.iter().filter(|it| it.process == *process);
        Some(Self {
            process: process.to_string(),
            can_sleep: process.is_web(),
            is_on: info.is_some(),
            count,
            why: info.as_ref().map(why).unwrap_or_default(),
            form,
            refusal,
            simulated,
            decisions: decisions
                .take(DECISIONS_SHOWN)
                .map(|decision| DecisionRow::new(decision, now))
                .collect(),
            head: AppHead::new(app.summary, Tab::Scaling, now),
        })
    }
}

impl View for AutoscalePage {
    const TEMPLATE: &'static str = "app_autoscale.html";
}

/// The form has nothing but its token: the address says it all.
#[derive(Debug, Deserialize)]
pub struct LeaveForm {}

/// Shows the settings.
pub async fn show(mut visit: Visit, Path((app, process)): Path<(String, String)>) -> Response {
    let page = load(&mut visit, &app, &process, Draft::Present).await;
    visit.answer(page)
}

/// Lets the process scale by itself, or changes how.
pub async fn accept(
    mut visit: Visit,
    Path((app, process)): Path<(String, String)>,
    Guarded(form): Guarded<SettingsForm>,
) -> Response {
    match set(&mut visit, &app, &process, &form).await.map_err(Failure::into_refusal) {
        Ok(to) => visit.lead(Ok(to)),
        Err(Err(failure)) => visit.lead(Err(failure)),
        Err(Ok(refusal)) => {
            let page = load(&mut visit, &app, &process, Draft::Refused(form, refusal)).await;
            visit.answer(page)
        }
    }
}

/// Shows what the settings would have done, and changes nothing.
pub async fn simulate(
    mut visit: Visit,
    Path((app, process)): Path<(String, String)>,
    Guarded(form): Guarded<SettingsForm>,
) -> Response {
    let draft = match replay(&mut visit, &app, &process, &form).await {
        Ok(answers) => Ok(Draft::Simulated(form, Box::new(answers))),
        Err(failure) => failure.into_refusal().map(|refusal| Draft::Refused(form, refusal)),
    };
    let page = match draft {
        Ok(draft) => load(&mut visit, &app, &process, draft).await,
        Err(failure) => Err(failure),
    };
    visit.answer(page)
}

/// Leaves the process at the count it has.
pub async fn leave(
    mut visit: Visit,
    Path((app, process)): Path<(String, String)>,
    _: Guarded<LeaveForm>,
) -> Response {
    let to = unset(&mut visit, &app, &process).await;
    visit.lead(to)
}

async fn load(
    visit: &mut Visit,
    app: &str,
    process: &str,
    draft: Draft,
) -> Result<Page<AutoscalePage>, Failure> {
    let (app, process) = subject(app, process)?;
    let (app, scaled, status) =
        visit
            .ask(|client| {
                let app = app.clone();
                async move {
                    tokio::try_join!(client.app(&app), client.autoscale(&app), client.status())
                }
            })
            .await?;
    let view = AutoscalePage::new(app, &process, scaled, draft, status.now);
    Ok(Page { view: view.ok_or(Failure::NotFound)?, status, refresh_s: None })
}

async fn set(
    visit: &mut Visit,
    app: &str,
    process: &str,
    form: &SettingsForm,
) -> Result<String, Failure> {
    let (app, process) = subject(app, process)?;
    let settings = form.read().map_err(Failure::UnreadableForm)?;
    visit
        .ask(|client| {
            let (app, process, settings) = (app.clone(), process.clone(), settings.clone());
            async move { client.set_autoscale(&app, &process, &settings).await }
        })
        .await?;
    Ok(format!("/apps/{app}/scale/{process}"))
}

async fn replay(
    visit: &mut Visit,
    app: &str,
    process: &str,
    form: &SettingsForm,
) -> Result<(Simulation, AppMetrics), Failure> {
    let (app, process) = subject(app, process)?;
    let settings = form.read().map_err(Failure::UnreadableForm)?;
    let status = visit.ask(|client| async move { client.status().await }).await?;
    let since = status.now - back(form.range());
    let request = SimulateRequest { settings, since };
    let simulation = visit
        .ask(|client| {
            let (app, process, request) = (app.clone(), process.clone(), request.clone());
            async move { client.simulate_autoscale(&app, &process, &request).await }
        })
        .await?;
    // What was is drawn from where anything was measured.
    let begin = simulation.outcome.steps.first().map_or(since, |step| step.at);
    let query = MetricsQuery {
        metrics: vec![Metric::Instances],
        process: Some(process.clone()),
        since: Some((begin - simulation.interval_ms).max(since)),
        points: Some(POINTS),
        ..MetricsQuery::default()
    };
    let metrics = visit
        .ask(|client| {
            let (app, query) = (app.clone(), query.clone());
            async move { client.app_metrics(&app, &query).await }
        })
        .await?;
    Ok((simulation, metrics))
}

async fn unset(visit: &mut Visit, app: &str, process: &str) -> Result<String, Failure> {
    let (app, process) = subject(app, process)?;
    visit
        .ask(|client| {
            let (app, process) = (app.clone(), process.clone());
            async move { client.unset_autoscale(&app, &process).await }
        })
        .await?;
    Ok(format!("/apps/{app}/scale"))
}

fn subject(app: &str, process: &str) -> Result<(AppName, ProcessName), Failure> {
    Ok((named(app)?, process.parse().map_err(|_| Failure::NotFound)?))
}
