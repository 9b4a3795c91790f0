//! Receivers of an app's log lines, and how each is doing.

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::id::{DrainId, Id as _};
use slipway_core::log::LogSource;
use slipway_core::metric::Unit;
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::drain::{DrainInfo, DrainRequest, DrainTest};

use crate::failure::{Failure, Refusal};
use crate::guard::Guarded;
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::moment::Moment;
use crate::view::prose::{Piece, sentence};
use crate::view::quantity::quantity;
use crate::visit::{Page, Visit};

/// The receivers, what came of a test, and the form for one more.
#[derive(Debug, Serialize)]
pub struct DrainsPage {
    head: AppHead,
    drains: Vec<DrainRow>,
    sources: Vec<SourceChoice>,
    form: DrainForm,
    refusal: Option<Refusal>,
}

#[derive(Debug, Serialize)]
struct DrainRow {
    id: String,
    address: String,
    /// Whose lines it gets, in words.
    sources: String,
    by: String,
    delivered: Option<Moment>,
    /// How much waits for it; `None` when nothing does.
    behind: Option<String>,
    failure: Option<FailureRow>,
    /// What came of the test that was just made.
    tested: Option<Tested>,
}

/// Why a receiver gets nothing.
#[derive(Debug, Serialize)]
struct FailureRow {
    message: Vec<Piece>,
    since: Moment,
}

#[derive(Debug, Serialize)]
struct Tested {
    delivered: bool,
    message: Vec<Piece>,
}

#[derive(Debug, Serialize)]
struct SourceChoice {
    name: &'static str,
    current: bool,
}

/// What somebody typed. The token is never sent back to a page.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DrainForm {
    url: String,
    #[serde(skip_serializing)]
    token: String,
    gzip: String,
    /// One of them, or everybody when empty.
    source: String,
}

impl std::fmt::Debug for DrainForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DrainForm").field("source", &self.source).finish_non_exhaustive()
    }
}

impl DrainForm {
    fn request(&self) -> DrainRequest {
        let token = self.token.trim();
        DrainRequest {
            url: self.url.trim().to_owned(),
            token: (!token.is_empty()).then(|| token.to_owned()),
            gzip: !self.gzip.is_empty(),
            sources: self.source.parse().into_iter().collect(),
        }
    }
}

/// What is shown besides the receivers.
#[derive(Debug, Default)]
pub enum Draft {
    #[default]
    New,
    /// What was sent, and what speaks against it.
    Refused(DrainForm, Refusal),
    /// A receiver, and what came of its test.
    Tested(DrainId, DrainTest),
}

impl DrainsPage {
    pub fn new(app: AppInfo, drains: Vec<DrainInfo>, draft: Draft, now: Timestamp) -> Self {
        let (form, refusal, test) = match draft {
            Draft::New => (DrainForm::default(), None, None),
            Draft::Refused(form, refusal) => (form, Some(refusal), None),
            Draft::Tested(id, test) => (DrainForm::default(), None, Some((id, test))),
        };
        let tested = |id: &DrainId| {
            let (_, test) = test.as_ref().filter(|(of, _)| of == id)?;
            Some(tested(test))
        };
        let rows = drains.into_iter().map(|drain| row(tested(&drain.id), drain, now)).collect();
        let choice = |source: LogSource| SourceChoice {
            name: source.as_str(),
            current: source.as_str() == form.source,
        };
        Self {
            head: AppHead::new(app.summary, Tab::Logs, now),
            drains: rows,
            sources: LogSource::ALL.map(choice).into(),
            form,
            refusal,
        }
    }
}

fn tested(test: &DrainTest) -> Tested {
    let message = match (&test.error, test.delivered) {
        (_, true) => "it took a line",
        (Some(error), false) => error,
        (None, false) => "it took nothing",
    };
    Tested { delivered: test.delivered, message: sentence(message) }
}

fn row(tested: Option<Tested>, drain: DrainInfo, now: Timestamp) -> DrainRow {
    let sources: Vec<&str> = drain.sources.iter().map(|source| source.as_str()).collect();
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let behind = drain.behind_bytes as f64;
    DrainRow {
        id: drain.id.as_str().to_owned(),
        address: drain.address,
        sources: if sources.is_empty() { "all lines".to_owned() } else { sources.join(", ") },
        by: drain.created_by,
        delivered: drain.delivered_at.map(|at| Moment::new(at, now)),
        behind: (drain.behind_bytes > 0).then(|| quantity(Unit::Bytes, behind)),
        failure: drain.failure.map(|failure| FailureRow {
            message: sentence(&failure.message),
            since: Moment::new(failure.since, now),
        }),
        tested,
    }
}

impl View for DrainsPage {
    const TEMPLATE: &'static str = "app_drains.html";
}

/// The form has nothing but its token: the address says it all.
#[derive(Debug, Deserialize)]
pub struct BareForm {}

/// Shows the receivers.
pub async fn show(mut visit: Visit, Path(app): Path<String>) -> Response {
    let page = load(&mut visit, &app, Draft::New).await;
    visit.answer(page)
}

/// Adds a receiver; it gets what is written from now on.
pub async fn add(
    mut visit: Visit,
    Path(app): Path<String>,
    Guarded(form): Guarded<DrainForm>,
) -> Response {
    match begin(&mut visit, &app, &form).await.map_err(Failure::into_refusal) {
        Ok(to) => visit.lead(Ok(to)),
        Err(Err(failure)) => visit.lead(Err(failure)),
        Err(Ok(refusal)) => {
            let page = load(&mut visit, &app, Draft::Refused(form, refusal)).await;
            visit.answer(page)
        }
    }
}

/// Sends one line to a receiver, and shows what came of it.
pub async fn test(
    mut visit: Visit,
    Path((app, id)): Path<(String, String)>,
    _: Guarded<BareForm>,
) -> Response {
    let page = match send(&mut visit, &app, &id).await {
        Ok(draft) => load(&mut visit, &app, draft).await,
        Err(failure) => Err(failure),
    };
    visit.answer(page)
}

/// Removes a receiver.
pub async fn remove(
    mut visit: Visit,
    Path((app, id)): Path<(String, String)>,
    _: Guarded<BareForm>,
) -> Response {
    let to = end(&mut visit, &app, &id).await;
    visit.lead(to)
}

async fn load(visit: &mut Visit, app: &str, draft: Draft) -> Result<Page<DrainsPage>, Failure> {
    let name = named(app)?;
    let (app, drains, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move { tokio::try_join!(client.app(&name), client.drains(&name), client.status()) }
        })
        .await?;
    let view = DrainsPage::new(app, drains, draft, status.now);
    Ok(Page { view, status, refresh_s: None })
}

async fn begin(visit: &mut Visit, app: &str, form: &DrainForm) -> Result<String, Failure> {
    let name = named(app)?;
    let request = form.request();
    visit
        .ask(|client| {
            let (name, request) = (name.clone(), request.clone());
            async move { client.add_drain(&name, &request).await }
        })
        .await?;
    Ok(format!("/apps/{name}/drains"))
}

async fn send(visit: &mut Visit, app: &str, id: &str) -> Result<Draft, Failure> {
    let (name, id) = subject(app, id)?;
    let test = visit
        .ask(|client| {
            let (name, id) = (name.clone(), id.clone());
            async move { client.test_drain(&name, &id).await }
        })
        .await?;
    Ok(Draft::Tested(id, test))
}

async fn end(visit: &mut Visit, app: &str, id: &str) -> Result<String, Failure> {
    let (name, id) = subject(app, id)?;
    visit
        .ask(|client| {
            let (name, id) = (name.clone(), id.clone());
            async move { client.remove_drain(&name, &id).await }
        })
        .await?;
    Ok(format!("/apps/{name}/drains"))
}

fn subject(app: &str, id: &str) -> Result<(AppName, DrainId), Failure> {
    Ok((named(app)?, id.parse().map_err(|_| Failure::NotFound)?))
}
