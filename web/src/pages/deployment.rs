//! One deployment: how far it came, why it ended, what it did and what it printed.

pub mod output;
pub mod stream;

use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;
use slipway_core::deployment::Receipt;
use slipway_core::id::{DeploymentId, Id as _};
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::deployment::DeploymentInfo;

use crate::failure::Failure;
use crate::pages::app::rows::what;
use crate::pages::deployment::output::Output;
use crate::relay::is_id;
use crate::templates::View;
use crate::view::badge::Badge;
use crate::view::moment::Moment;
use crate::view::prose::{Piece, sentence};
use crate::view::stages::{Stage, stages};
use crate::view::terminal::plain;
use crate::visit::{Page, Visit};

/// Seconds between two looks while it moves, for browsers without a script.
const REFRESH_S: u32 = 3;

/// A deployment, described.
#[derive(Debug, Serialize)]
pub struct DeploymentPage {
    #[serde(flatten)]
    progress: Progress,
    output: Output,
    /// Where its next lines come from, unless there will be none.
    stream: Option<String>,
}

/// All but its lines: what changes as it moves.
#[derive(Debug, Serialize)]
pub struct Progress {
    id: String,
    app: String,
    sequence: u32,
    kind: &'static str,
    badge: Badge,
    version: Option<u32>,
    what: String,
    by: String,
    created: Moment,
    took: Option<String>,
    stages: Vec<Stage>,
    cause: Option<Cause>,
    receipt: Option<ReceiptView>,
    /// Whether it still moves without a stream that would tell: it is live, and watched.
    is_watched: bool,
}

/// Why it ended, and what to do.
#[derive(Debug, Serialize)]
pub struct Cause {
    message: Vec<Piece>,
    hint: Option<Vec<Piece>>,
    last_lines: Vec<String>,
}

/// What the switch did, in numbers.
#[derive(Debug, Serialize)]
pub struct ReceiptView {
    served: u64,
    dropped: u64,
    total: String,
    /// How long each part took, of those that took any time.
    parts: Vec<ReceiptPart>,
}

#[derive(Debug, Serialize)]
pub struct ReceiptPart {
    label: &'static str,
    time: String,
}

impl DeploymentPage {
    pub fn new(deployment: DeploymentInfo, output: Output, now: Timestamp) -> Self {
        let is_over = output.is_whole || deployment.state.is_terminal();
        let after = output.last_id.as_deref().filter(|id| is_id(id));
        let after = after.map(|id| format!("?after={id}")).unwrap_or_default();
        let stream = format!("/deployments/{}/stream{after}", deployment.id);
        Self {
            stream: (!is_over).then_some(stream),
            progress: Progress::new(deployment, output.is_whole, now),
            output,
        }
    }
}

impl View for DeploymentPage {
    const TEMPLATE: &'static str = "deployment.html";
}

impl Progress {
    /// How far it came. `is_live` says that its stream is over.
    pub fn new(deployment: DeploymentInfo, is_live: bool, now: Timestamp) -> Self {
        let took = deployment.finished_at.map(|end| end.since(deployment.created_at).to_string());
        Self {
            id: deployment.id.as_str().to_owned(),
            app: deployment.app.to_string(),
            sequence: deployment.sequence,
            kind: deployment.kind.as_str(),
            badge: Badge::from(&deployment.state),
            version: deployment.version,
            what: what(&deployment),
            created: Moment::new(deployment.created_at, now),
            took,
            stages: stages(deployment.kind, &deployment.state),
            cause: cause(&deployment),
            receipt: deployment.receipt.map(ReceiptView::from),
            is_watched: is_live && !deployment.state.is_terminal(),
            by: deployment.created_by,
        }
    }
}

impl View for Progress {
    const TEMPLATE: &'static str = "deployment_progress.html";
}

fn cause(deployment: &DeploymentInfo) -> Option<Cause> {
    let reason = deployment.state.reason()?;
    Some(Cause {
        message: sentence(&reason.message),
        hint: deployment.hint.as_deref().map(sentence),
        last_lines: reason.last_lines.iter().map(|line| plain(line)).collect(),
    })
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        let parts = [
            ("Build", receipt.build_ms),
            ("Release command", receipt.release_ms),
            ("Start", receipt.start_ms),
            ("Switch", receipt.switch_ms),
        ];
        Self {
            served: receipt.requests_served,
            dropped: receipt.requests_dropped,
            total: receipt.total_ms.to_string(),
            parts: parts
                .into_iter()
                .filter(|(_, time)| *time > Millis(0))
                .map(|(label, time)| ReceiptPart { label, time: time.to_string() })
                .collect(),
        }
    }
}

/// Shows a deployment.
pub async fn show(mut visit: Visit, Path(id): Path<String>) -> Response {
    let page = load(&mut visit, &id).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, id: &str) -> Result<Page<DeploymentPage>, Failure> {
    let id: DeploymentId = id.parse().map_err(|_| Failure::NotFound)?;
    let (deployment, output, status) = visit
        .ask(|client| {
            let id = id.clone();
            async move {
                tokio::try_join!(
                    client.deployment(&id),
                    output::read(&client, &id),
                    client.status()
                )
            }
        })
        .await?;
    let refresh_s = (!deployment.state.is_terminal()).then_some(REFRESH_S);
    let view = DeploymentPage::new(deployment, output, status.now);
    Ok(Page { view, status, refresh_s })
}
