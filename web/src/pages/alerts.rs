//! Alerts of an app, or of the host when there is no app: what is watched, where it stands, and
//! when it fired.

pub mod rows;
pub mod rule;

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::alert::Scope;
use slipway_core::name::{AlertName, AppName};
use slipway_core::time::Timestamp;
use slipway_core::wire::alert::{AlertInfo, Firing};
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::channel::Channel;

use crate::failure::{Failure, Refusal};
use crate::guard::Guarded;
use crate::pages::alerts::rows::{AlertRow, FiringRow, most_urgent_first};
use crate::pages::alerts::rule::RuleForm;
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::metric::{MetricChoice, choices};
use crate::visit::{Page, Visit};

const FIRINGS_SHOWN: u32 = 20;

/// The rules with their states, the history, and the form for one more.
#[derive(Debug, Serialize)]
pub struct AlertsPage {
    /// `None` on the host's page.
    head: Option<AppHead>,
    /// Where the forms go.
    base: String,
    alerts: Vec<AlertRow>,
    firings: Vec<FiringRow>,
    /// Who is told.
    channels: Vec<String>,
    metrics: Vec<MetricChoice>,
    processes: Vec<String>,
    form: RuleForm,
    /// Whether the form is about an alert that there is.
    is_change: bool,
    /// Whether all of the form is to be seen.
    is_unfolded: bool,
    refusal: Option<Refusal>,
}

/// What the API says about alerts.
#[derive(Debug)]
pub struct Answers {
    /// `None` for the host.
    pub app: Option<AppInfo>,
    pub alerts: Vec<AlertInfo>,
    pub firings: Vec<Firing>,
    pub channels: Vec<Channel>,
}

/// What the form holds.
#[derive(Debug, Default)]
pub enum Draft {
    /// An alert to be thought of.
    #[default]
    New,
    /// The alert of that name, as it is.
    Of(String),
    /// What was sent, and what speaks against it.
    Refused(Box<RuleForm>, Refusal),
}

impl AlertsPage {
    pub fn new(answers: Answers, draft: Draft, now: Timestamp) -> Self {
        let Answers { app, alerts, firings, channels } = answers;
        let (form, refusal) = match draft {
            Draft::New => (RuleForm::default(), None),
            Draft::Of(name) => {
                let found = alerts.iter().find(|alert| alert.name.as_str() == name);
                (found.map(RuleForm::of).unwrap_or_default(), None)
            }
            Draft::Refused(form, refusal) => (*form, Some(refusal)),
        };
        let is_told = |channel: &Channel| match (&channel.app, &app) {
            (None, _) => true,
            (Some(only), Some(app)) => *only == app.summary.name,
            (Some(_), None) => false,
        };
        let told = channels.iter().filter(|channel| is_told(channel));
        let scope = if app.is_some() { Scope::App } else { Scope::Host };
        let base = app.as_ref().map_or_else(
            || "/alerts".to_owned(),
            |app| format!("/apps/{}/alerts", app.summary.name),
        );
        let processes = app.iter().flat_map(|app| &app.processes);
        Self {
            base,
            channels: told.map(|channel| channel.name.to_string()).collect(),
            processes: processes.map(|process| process.name.to_string()).collect(),
            is_change: alerts.iter().any(|alert| alert.name.as_str() == form.name),
            is_unfolded: form.is_unfolded() || refusal.is_some(),
            metrics: choices(scope),
            form,
            refusal,
            alerts: most_urgent_first(alerts, now),
            firings: firings.into_iter().map(|firing| FiringRow::new(firing, now)).collect(),
            head: app.map(|app| AppHead::new(app.summary, Tab::Alerts, now)),
        }
    }
}

impl View for AlertsPage {
    const TEMPLATE: &'static str = "alerts.html";
}

/// Which alert the form shows, when it is to be changed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    edit: String,
}

impl From<Asked> for Draft {
    fn from(asked: Asked) -> Self {
        if asked.edit.is_empty() { Self::New } else { Self::Of(asked.edit) }
    }
}

/// Whether an alert is looked at from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Switch {
    On,
    Off,
}

#[derive(Debug, Deserialize)]
pub struct SwitchForm {
    to: Switch,
}

/// The form has nothing but its token: the address says it all.
#[derive(Debug, Deserialize)]
pub struct RemoveForm {}

/// Shows the host's alerts.
pub async fn of_host(mut visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = load(&mut visit, None, asked.into()).await;
    visit.answer(page)
}

/// Shows an app's alerts.
pub async fn of_app(
    mut visit: Visit,
    Path(app): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = load(&mut visit, Some(&app), asked.into()).await;
    visit.answer(page)
}

/// Adds an alert of the host, or changes one.
pub async fn set_of_host(visit: Visit, Guarded(form): Guarded<RuleForm>) -> Response {
    set(visit, None, form).await
}

/// Adds an alert of an app, or changes one.
pub async fn set_of_app(
    visit: Visit,
    Path(app): Path<String>,
    Guarded(form): Guarded<RuleForm>,
) -> Response {
    set(visit, Some(&app), form).await
}

/// Switches an alert of the host on or off.
pub async fn switch_of_host(
    mut visit: Visit,
    Path(alert): Path<String>,
    Guarded(form): Guarded<SwitchForm>,
) -> Response {
    let to = switch(&mut visit, None, &alert, form.to).await;
    visit.lead(to)
}

/// Switches an alert of an app on or off.
pub async fn switch_of_app(
    mut visit: Visit,
    Path((app, alert)): Path<(String, String)>,
    Guarded(form): Guarded<SwitchForm>,
) -> Response {
    let to = switch(&mut visit, Some(&app), &alert, form.to).await;
    visit.lead(to)
}

/// Removes an alert of the host.
pub async fn remove_of_host(
    mut visit: Visit,
    Path(alert): Path<String>,
    _: Guarded<RemoveForm>,
) -> Response {
    let to = remove(&mut visit, None, &alert).await;
    visit.lead(to)
}

/// Removes an alert of an app.
pub async fn remove_of_app(
    mut visit: Visit,
    Path((app, alert)): Path<(String, String)>,
    _: Guarded<RemoveForm>,
) -> Response {
    let to = remove(&mut visit, Some(&app), &alert).await;
    visit.lead(to)
}

async fn load(
    visit: &mut Visit,
    app: Option<&str>,
    draft: Draft,
) -> Result<Page<AlertsPage>, Failure> {
    let app = app.map(named).transpose()?;
    let (described, alerts, firings, channels, status) = visit
        .ask(|client| {
            let app = app.clone();
            async move {
                let described = async {
                    match &app {
                        Some(app) => client.app(app).await.map(Some),
                        None => Ok(None),
                    }
                };
                tokio::try_join!(
                    described,
                    client.alerts(app.as_ref()),
                    client.firings(app.as_ref(), Some(FIRINGS_SHOWN), None),
                    client.channels(),
                    client.status(),
                )
            }
        })
        .await?;
    let answers = Answers { app: described, alerts, firings, channels };
    let view = AlertsPage::new(answers, draft, status.now);
    Ok(Page { view, status, refresh_s: None })
}

async fn set(mut visit: Visit, app: Option<&str>, form: RuleForm) -> Response {
    match write(&mut visit, app, &form).await.map_err(Failure::into_refusal) {
        Ok(to) => visit.lead(Ok(to)),
        Err(Err(failure)) => visit.lead(Err(failure)),
        Err(Ok(refusal)) => {
            let page = load(&mut visit, app, Draft::Refused(Box::new(form), refusal)).await;
            visit.answer(page)
        }
    }
}

async fn write(visit: &mut Visit, app: Option<&str>, form: &RuleForm) -> Result<String, Failure> {
    let app = app.map(named).transpose()?;
    let (name, rule) = form.read().map_err(Failure::UnreadableForm)?;
    visit
        .ask(|client| {
            let (app, name, rule) = (app.clone(), name.clone(), rule.clone());
            async move { client.set_alert(app.as_ref(), &name, &rule).await }
        })
        .await?;
    Ok(page_of(app.as_ref()))
}

async fn switch(
    visit: &mut Visit,
    app: Option<&str>,
    alert: &str,
    to: Switch,
) -> Result<String, Failure> {
    let app = app.map(named).transpose()?;
    let name = alert_named(alert)?;
    let alerts = visit
        .ask(|client| {
            let app = app.clone();
            async move { client.alerts(app.as_ref()).await }
        })
        .await?;
    let found = alerts.into_iter().find(|alert| alert.name == name);
    let mut rule = found.ok_or(Failure::NotFound)?.rule;
    rule.enabled = to == Switch::On;
    visit
        .ask(|client| {
            let (app, name, rule) = (app.clone(), name.clone(), rule.clone());
            async move { client.set_alert(app.as_ref(), &name, &rule).await }
        })
        .await?;
    Ok(page_of(app.as_ref()))
}

async fn remove(visit: &mut Visit, app: Option<&str>, alert: &str) -> Result<String, Failure> {
    let app = app.map(named).transpose()?;
    let name = alert_named(alert)?;
    visit
        .ask(|client| {
            let (app, name) = (app.clone(), name.clone());
            async move { client.remove_alert(app.as_ref(), &name).await }
        })
        .await?;
    Ok(page_of(app.as_ref()))
}

fn page_of(app: Option<&AppName>) -> String {
    app.map_or_else(|| "/alerts".to_owned(), |app| format!("/apps/{app}/alerts"))
}

fn alert_named(name: &str) -> Result<AlertName, Failure> {
    name.parse().map_err(|_| Failure::NotFound)
}
