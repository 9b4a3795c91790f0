//! Reading the gauges that apps expose themselves, in Prometheus' format.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::redirect::Policy;
use slipway_core::id::{InstanceId, ReleaseId};
use slipway_core::instance::InstanceState;
use slipway_core::name::GaugeName;
use slipway_core::process::MetricsEndpoint;
use slipway_core::telemetry::reading;
use slipway_store::{Instance, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};
use crate::rounds::Task;

/// How often each instance is read.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long an instance may take to answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// Most bytes of an answer. One that is longer is no reading.
const MOST_BYTES: usize = 1024 * 1024;
/// Instances that are read at the same time.
const AT_ONCE: usize = 16;
/// How old a reading may be before it is not known any more.
const FRESH: Duration = Duration::from_secs(16);

/// What instances said about themselves last. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Gauges(Arc<Mutex<BTreeMap<InstanceId, Reading>>>);

#[derive(Debug, Clone)]
struct Reading {
    at: Instant,
    values: BTreeMap<GaugeName, f64>,
}

/// Why an instance was not read.
#[derive(Debug, thiserror::Error)]
enum ScrapeError {
    #[error("it does not answer: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("it answers {0}")]
    Refused(reqwest::StatusCode),
    #[error("its answer is longer than {MOST_BYTES} bytes")]
    TooLong,
}

impl Gauges {
    /// The gauges of an instance, if it was read lately; never those of long ago.
    pub fn of(&self, instance: &InstanceId) -> BTreeMap<GaugeName, f64> {
        let readings = self.readings();
        let fresh = readings.get(instance).filter(|reading| reading.at.elapsed() <= FRESH);
        fresh.map(|reading| reading.values.clone()).unwrap_or_default()
    }

    fn set(&self, instance: InstanceId, values: BTreeMap<GaugeName, f64>) {
        self.readings().insert(instance, Reading { at: Instant::now(), values });
    }

    fn forget_old(&self) {
        self.readings().retain(|_, reading| reading.at.elapsed() <= FRESH);
    }

    fn readings(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads every instance that exposes something, every 5 s, until told to stop.
pub async fn scrape<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let client = match client() {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "apps' own gauges are not read"),
    };
    let mut endpoints = Endpoints::default();
    while !stop.is_cancelled() {
        let round = async {
            match context.rounds.watch(Task::Gauges, endpoints.targets(&context)).await {
                Ok(targets) => read_all(&context.gauges, &client, targets).await,
                Err(error) => tracing::warn!(%error, "could not look for apps' own gauges"),
            }
        };
        stop.run_until_cancelled(round).await;
        context.gauges.forget_old();
        stop.run_until_cancelled(sleep(INTERVAL)).await;
    }
}

/// What releases say about their metrics; a release never changes.
#[derive(Debug, Default)]
struct Endpoints(BTreeMap<ReleaseId, Option<MetricsEndpoint>>);

impl Endpoints {
    /// Every instance that runs and exposes something, with where.
    async fn targets<H>(
        &mut self,
        context: &Shared<H>,
    ) -> Result<Vec<(InstanceId, String)>, StoreError> {
        let instances = context.store.all_instances().await?;
        self.0.retain(|id, _| instances.iter().any(|instance| instance.release_id == *id));
        let mut targets = Vec::new();
        for instance in instances {
            if !self.0.contains_key(&instance.release_id) {
                let release = context.store.release(&instance.release_id).await?;
                let endpoint = release.and_then(|release| release.formation.metrics);
                self.0.insert(instance.release_id.clone(), endpoint);
            }
            let endpoint = self.0.get(&instance.release_id).and_then(Option::as_ref);
            targets.extend(endpoint.and_then(|endpoint| target(endpoint, &instance)));
        }
        Ok(targets)
    }
}

/// Where an instance exposes its metrics; nothing while it is not up, or has no address.
fn target(endpoint: &MetricsEndpoint, instance: &Instance) -> Option<(InstanceId, String)> {
    let is_up = matches!(
        instance.state,
        InstanceState::Ready | InstanceState::Unready | InstanceState::Draining
    );
    let mut address = instance.endpoint.filter(|_| is_up)?;
    address.set_port(endpoint.port.unwrap_or(address.port()));
    Some((instance.id.clone(), format!("http://{address}{}", endpoint.path)))
}

async fn read_all(gauges: &Gauges, client: &reqwest::Client, targets: Vec<(InstanceId, String)>) {
    let readings = targets.into_iter().map(|(instance, url)| {
        let client = client.clone();
        async move { (instance, read(&client, &url).await) }
    });
    let mut readings = futures_util::stream::iter(readings).buffer_unordered(AT_ONCE);
    while let Some((instance, reading)) = readings.next().await {
        match reading {
            Ok(values) => gauges.set(instance, values),
            Err(error) => tracing::debug!(%error, %instance, "could not read an app's gauges"),
        }
    }
}

async fn read(
    client: &reqwest::Client,
    url: &str,
) -> Result<BTreeMap<GaugeName, f64>, ScrapeError> {
    let mut answer = client.get(url).send().await?;
    if !answer.status().is_success() {
        return Err(ScrapeError::Refused(answer.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(ScrapeError::TooLong);
        }
    }
    Ok(reading::gauges(&String::from_utf8_lossy(&body)))
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    // The client wants a provider even for plain HTTP. One that is installed already will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(DEADLINE)
        .redirect(Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .user_agent(concat!("slipway-metrics/", env!("CARGO_PKG_VERSION")))
        .build()
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id as _;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Where an app answers once with this.
    async fn answering(answer: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await.unwrap();
            // A reader that has enough is free to go.
            let _written = stream.write_all(answer.as_bytes()).await;
        });
        url
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_answer_is_read_unless_it_is_too_long_or_a_refusal() {
        let client = client().unwrap();
        let url = answering(ok("# TYPE depth gauge\ndepth 3\n")).await;
        let values = read(&client, &url).await.unwrap();
        assert_eq!(values.get(&"depth".parse().unwrap()), Some(&3.0));
        let endless = answering(ok(&"depth 3\n".repeat(MOST_BYTES / 8 + 1))).await;
        assert!(matches!(read(&client, &endless).await, Err(ScrapeError::TooLong)));
        let refusal = "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n".to_owned();
        let refusal = answering(refusal).await;
        assert!(matches!(read(&client, &refusal).await, Err(ScrapeError::Refused(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_of_long_ago_is_not_known_any_more() {
        let gauges = Gauges::default();
        let instance = InstanceId::from_bits(1);
        gauges.set(instance.clone(), BTreeMap::from([("depth".parse().unwrap(), 3.0)]));
        assert_eq!(gauges.of(&instance).len(), 1);
        sleep(FRESH + Duration::from_secs(1)).await;
        assert!(gauges.of(&instance).is_empty());
        gauges.forget_old();
        assert!(gauges.readings().is_empty());
    }
}
