//! Pushing what is measured to an `OpenTelemetry` collector.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use slipway_core::telemetry::otlp::{Source, request};
use slipway_core::time::Timestamp;
use slipway_store::clock;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::gather;
use crate::context::{Host, Shared};
use crate::settings::Collector;

/// How long one push may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// The longest pause between pushes that fail.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Why a push failed.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error("the collector cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the collector answered {0}")]
    Refused(StatusCode),
}

/// Pushes at the collector's interval until told to stop. A collector that is away is tried again,
/// less and less often; what it missed is in the next push, as counts only grow.
pub async fn push<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let Some(collector) = &context.settings.telemetry else { return };
    let client = match client(collector) {
        Ok(client) => client,
        Err(error) => {
            return tracing::error!(error, "nothing is pushed to the collector");
        }
    };
    let start = clock::now();
    let mut failures = 0;
    while stop.run_until_cancelled(sleep(pause(collector.interval, failures))).await.is_some() {
        match push_once(&context, collector, &client, start).await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                // The address may carry a credential and stays out of the log.
                tracing::warn!(%error, failures, "could not push measurements");
            }
        }
    }
}

async fn push_once<H: Host>(
    context: &Shared<H>,
    collector: &Collector,
    client: &reqwest::Client,
    start: Timestamp,
) -> Result<(), PushError> {
    let families = gather(context).await;
    let source = Source {
        installation: &context.settings.worker,
        version: env!("CARGO_PKG_VERSION"),
        start,
        now: clock::now(),
    };
    let body = request(&families, source).to_string();
    let push = client.post(&collector.endpoint).body(body).send().await;
    let answer = push.map_err(reqwest::Error::without_url)?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(PushError::Refused(status)) }
}

fn client(collector: &Collector) -> Result<reqwest::Client, String> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in &collector.headers {
        let invalid = |what: &str| format!("the header `{name}` has an invalid {what}");
        let header: HeaderName = name.parse().map_err(|_| invalid("name"))?;
        let mut value: HeaderValue = value.parse().map_err(|_| invalid("value"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    let client = reqwest::Client::builder()
        .default_headers(headers)
        .timeout(DEADLINE)
        .redirect(Policy::none())
        .no_proxy();
    client.build().map_err(|error| error.without_url().to_string())
}

/// The interval, doubled for each failure in a row.
fn pause(interval: Duration, failures: u32) -> Duration {
    interval.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_away_is_asked_less_and_less_often() {
        let seconds = |failures| pause(Duration::from_secs(15), failures).as_secs();
        assert_eq!([0, 1, 2, 3, 40].map(seconds), [15, 30, 60, 120, 300]);
    }

    #[test]
    fn a_header_that_is_none_is_named_without_its_value() {
        let collector = |name: &str, value: &str| Collector {
            endpoint: String::new(),
            headers: vec![(name.to_owned(), value.to_owned())],
            interval: Duration::from_secs(15),
        };
        let refused = client(&collector("authorization", "secret\nvalue")).unwrap_err();
        assert!(refused.contains("`authorization`") && !refused.contains("secret"), "{refused}");
        assert!(client(&collector("a b", "x")).is_err());
    }
}
