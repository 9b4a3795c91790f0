//! How many instances of each process an app has, and which counts are kept right by themselves.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::name::ProcessName;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::autoscale::{AppAutoscale, AutoscaleInfo};
use slipway_core::wire::process::{ProcessInfo, ScaleRequest};

use crate::failure::Failure;
use crate::guard::Guarded;
use crate::pages::app::autoscale::rows::{DecisionRow, in_short, why};
use crate::pages::app::named;
use crate::pages::app::rows::ProcessRow;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::prose::Piece;
use crate::visit::{Page, Visit};

const DECISIONS_SHOWN: usize = 10;

/// The counts, to be changed.
#[derive(Debug, Serialize)]
pub struct ScalePage {
    head: AppHead,
    processes: Vec<Scaling>,
    decisions: Vec<DecisionRow>,
}

/// A process, and what makes its count.
#[derive(Debug, Serialize)]
struct Scaling {
    process: ProcessRow,
    by_itself: Option<ByItself>,
}

/// A count that the autoscaler keeps right.
#[derive(Debug, Serialize)]
struct ByItself {
    /// Bounds and targets: `1 to 8, at cpu 60`.
    settings: String,
    why: Vec<Piece>,
}

impl ScalePage {
    pub fn new(app: AppInfo, scaled: &AppAutoscale, now: Timestamp) -> Self {
        let by_itself =
            |info: &AutoscaleInfo| ByItself { settings: in_short(&info.settings), why: why(info) };
        let scaling = |process: ProcessInfo| Scaling {
            by_itself: scaled
                .processes
                .iter()
                .find(|info| info.process == process.name)
                .map(by_itself),
            process: ProcessRow::from(process),
        };
        let decisions = scaled.decisions.iter().take(DECISIONS_SHOWN);
        Self {
            decisions: decisions.map(|decision| DecisionRow::new(decision, now)).collect(),
            processes: app.processes.into_iter().map(scaling).collect(),
            head: AppHead::new(app.summary, Tab::Scaling, now),
        }
    }
}

impl View for ScalePage {
    const TEMPLATE: &'static str = "app_scale.html";
}

/// A number for each process, by its name.
#[derive(Deserialize)]
pub struct ScaleForm {
    #[serde(flatten)]
    counts: BTreeMap<String, String>,
}

/// Shows the counts.
pub async fn ask(mut visit: Visit, Path(name): Path<String>) -> Response {
    let page = load(&mut visit, &name).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, name: &str) -> Result<Page<ScalePage>, Failure> {
    let name = named(name)?;
    let (app, scaled, status) =
        visit
            .ask(|client| {
                let name = name.clone();
                async move {
                    tokio::try_join!(client.app(&name), client.autoscale(&name), client.status())
                }
            })
            .await?;
    let view = ScalePage::new(app, &scaled, status.now);
    Ok(Page { view, status, refresh_s: None })
}

/// Sets the counts and leads to the overview, where they come true.
pub async fn accept(
    mut visit: Visit,
    Path(name): Path<String>,
    Guarded(form): Guarded<ScaleForm>,
) -> Response {
    let to = set(&mut visit, &name, &form).await;
    visit.lead(to)
}

async fn set(visit: &mut Visit, name: &str, form: &ScaleForm) -> Result<String, Failure> {
    let app = named(name)?;
    let request = ScaleRequest { counts: counts(form)? };
    visit
        .ask(|client| {
            let (app, request) = (app.clone(), request.clone());
            async move { client.set_scale(&app, &request).await }
        })
        .await?;
    Ok(format!("/apps/{name}"))
}

fn counts(form: &ScaleForm) -> Result<BTreeMap<ProcessName, u32>, Failure> {
    let refuse = |field: &str| Failure::UnreadableForm(format!("`{field}` is not a number"));
    form.counts
        .iter()
        .filter_map(|(field, count)| Some((field, field.strip_prefix("count.")?, count)))
        .map(|(field, process, count)| {
            let process = process.parse().map_err(|_| refuse(field))?;
            Ok((process, count.trim().parse().map_err(|_| refuse(field))?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> ScaleForm {
        let counts = fields.iter().map(|(name, count)| ((*name).to_owned(), (*count).to_owned()));
        ScaleForm { counts: counts.collect() }
    }

    #[test]
    fn every_process_has_its_number_and_nonsense_has_none() {
        let read = counts(&form(&[("count.web", "2"), ("count.worker", " 0 ")])).unwrap();
        let read: Vec<String> =
            read.iter().map(|(name, count)| format!("{name}={count}")).collect();
        assert_eq!(read, ["web=2", "worker=0"]);
        for count in ["", "-1", "two", "99999999999"] {
            assert!(counts(&form(&[("count.web", count)])).is_err(), "{count}");
        }
    }
}
