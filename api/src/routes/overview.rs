//! What all apps pass on, for a list of them.

use std::collections::BTreeMap;

use axum::extract::State;
use slipway_core::id::AppId;
use slipway_core::metric::Metric;
use slipway_core::name::AppName;
use slipway_core::resolution::{Axis, Resolution};
use slipway_core::sample::Sample;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::metrics::{AppTraffic, TrafficOverview};
use slipway_store::{ProcessSample, clock};

use crate::auth::permission::{Permitted, Read};
use crate::error::ApiError;
use crate::routes::metrics::rounded;
use crate::state::ApiState;

/// How far back the curves go: a point for each minute.
const SHOWN: Millis = Millis::from_secs(20 * 60);
const POINTS: u32 = 20;
const MINUTE: Millis = Resolution::Minute.span();

/// Requests a second and latency of every app over the last minute, with a curve of the last
/// twenty.
#[utoipa::path(get, path = "/v1/metrics/overview", operation_id = "metrics_overview", tag = "look",
    responses((status = 200, body = TrafficOverview)), security(("credential" = ["read"])))]
pub async fn show(
    State(state): State<ApiState>,
    Permitted { caller, .. }: Permitted<Read>,
) -> Result<axum::Json<TrafficOverview>, ApiError> {
    let now = clock::now();
    let axis = Axis::over(now - SHOWN, now, POINTS, now);
    // A minute may have ended and not be rolled up yet.
    let finest = Resolution::Minute.slot(now) - MINUTE;
    let names: BTreeMap<AppId, AppName> = state
        .store
        .fleet()
        .await?
        .into_iter()
        .filter(|entry| caller.may_see(&entry.app.id))
        .map(|entry| (entry.app.id, entry.app.name))
        .collect();
    let mut passed: BTreeMap<&AppName, Passed> = BTreeMap::new();
    for (resolution, row) in state.store.traffic_of_all(axis.start, finest).await? {
        let Some(name) = names.get(&row.app_id) else { continue };
        passed.entry(name).or_default().add(resolution, row);
    }
    let apps = passed.into_iter().map(|(name, passed)| passed.tell(name, axis, now));
    let apps = apps.collect();
    Ok(axum::Json(TrafficOverview { times: axis.times().collect(), step_ms: axis.step, apps }))
}

/// What one app passed on, all its processes together.
#[derive(Default)]
struct Passed {
    minutes: BTreeMap<Timestamp, Sample>,
    finest: BTreeMap<Timestamp, Sample>,
}

impl Passed {
    fn add(&mut self, resolution: Resolution, row: ProcessSample) {
        let samples =
            if resolution == Resolution::Minute { &mut self.minutes } else { &mut self.finest };
        samples.entry(row.at).and_modify(|other| other.join(&row.sample)).or_insert(row.sample);
    }

    fn tell(self, app: &AppName, axis: Axis, now: Timestamp) -> AppTraffic {
        let mut last: Option<Sample> = None;
        for sample in self.finest.range(now - MINUTE..).map(|(_, sample)| sample) {
            match &mut last {
                Some(earlier) => earlier.append(sample),
                None => last = Some(sample.clone()),
            }
        }
        // No moment is told twice.
        let rolled_up = self.minutes.keys().next_back().map_or(axis.start, |at| *at + MINUTE);
        let rest = self.finest.into_iter().filter(|(at, _)| *at >= rolled_up);
        let points = axis.gather(self.minutes.into_iter().chain(rest));
        let rps = |point: &Option<Sample>| rounded(Metric::Rps.value(point.as_ref()?));
        let value = |metric: Metric| rounded(metric.value(last.as_ref()?));
        AppTraffic {
            app: app.clone(),
            rps: value(Metric::Rps),
            p95_ms: value(Metric::P95Ms),
            curve: points.iter().map(rps).collect(),
        }
    }
}
