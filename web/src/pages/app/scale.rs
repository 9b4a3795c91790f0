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

/// A number for each process, by its name, and the one that its page showed.
#[derive(Deserialize)]
pub struct ScaleForm {
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
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

/// Sets the counts that somebody changed and leads to the overview, where they come true; when there
/// is none, back to the page.
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
    let request = ScaleRequest { counts: changed(form)? };
    if request.counts.is_empty() {
        return Ok(format!("/apps/{name}/scale"));
    }
    visit
        .ask(|client| {
            let (app, request) = (app.clone(), request.clone());
            async move { client.set_scale(&app, &request).await }
        })
        .await?;
    Ok(format!("/apps/{name}"))
}

/// The counts that are not what the page showed. One that nobody touched may have moved by itself
/// since, and a 0 that is set by hand pauses a process that only slept.
fn changed(form: &ScaleForm) -> Result<BTreeMap<ProcessName, u32>, Failure> {
    let mut counts = BTreeMap::new();
    for (field, text) in &form.fields {
        let Some(process) = field.strip_prefix("count.") else { continue };
        let refuse = || Failure::UnreadableForm(format!("`{field}` is not a number"));
        let count: u32 = text.trim().parse().map_err(|_| refuse())?;
        let was = form.fields.get(&format!("was.{process}")).and_then(|was| was.parse().ok());
        if was != Some(count) {
            counts.insert(process.parse().map_err(|_| refuse())?, count);
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> ScaleForm {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        ScaleForm { fields: fields.collect() }
    }

    fn read(fields: &[(&str, &str)]) -> Vec<String> {
        let counts = changed(&form(fields)).unwrap();
        counts.iter().map(|(name, count)| format!("{name}={count}")).collect()
    }

    #[test]
    fn every_process_has_its_number_and_nonsense_has_none() {
        assert_eq!(read(&[("count.web", "2"), ("count.worker", " 0 ")]), ["web=2", "worker=0"]);
        for count in ["", "-1", "two", "99999999999"] {
            assert!(changed(&form(&[("count.web", count)])).is_err(), "{count}");
        }
    }

    #[test]
    fn a_count_that_nobody_touched_is_left_alone() {
        let asleep = [("count.web", "0"), ("was.web", "0"), ("count.worker", "2")];
        assert_eq!(read(&[&asleep[..], &[("was.worker", "1")]].concat()), ["worker=2"]);
        assert_eq!(read(&[&asleep[..], &[("was.worker", "2")]].concat()), [""; 0]);
        assert_eq!(read(&[("count.web", "0"), ("was.web", "2")]), ["web=0"]);
    }
}
