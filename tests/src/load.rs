//! Visitors: constant load on one app, with every failure counted.
//!
//! Three kinds of them, because they lose requests in different ways: some open a connection for
//! each request, some keep one open and never retry on it, some post and must get back exactly what
//! they sent. None repeats a request that failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::eventually;
use crate::http::{Connection, Site};

/// Between two requests of one visitor. Two cores run the test, the proxy and the app.
const PACE: Duration = Duration::from_millis(8);
/// Fewer requests prove nothing.
const ENOUGH: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(10);
/// Failures that are described in full.
const DESCRIBED: usize = 10;

/// What a visitor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Habit {
    /// A new connection for each GET.
    Fresh,
    /// GETs on one connection, as long as the server keeps it.
    Kept,
    /// POSTs with an id each, in turn on a new and on a kept connection.
    Posting,
}

/// Load that is on until it is taken off.
pub struct Load {
    stop: CancellationToken,
    answered: Arc<AtomicU64>,
    visitors: JoinSet<Tally>,
}

/// What became of the requests.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Requests that were answered as they should be.
    pub answered: u64,
    /// Answers to GETs, by their body.
    pub bodies: BTreeMap<String, u64>,
    /// Requests that were not.
    pub failed: u64,
    /// The first of those, in words.
    pub failures: Vec<String>,
}

impl Load {
    /// Two visitors of each habit on this site.
    pub fn on(site: &Site) -> Self {
        Self::of(site, &[Habit::Fresh, Habit::Kept, Habit::Posting].repeat(2))
    }

    /// These visitors on this site.
    pub fn of(site: &Site, habits: &[Habit]) -> Self {
        let stop = CancellationToken::new();
        let answered = Arc::new(AtomicU64::new(0));
        let mut visitors = JoinSet::new();
        for (number, habit) in habits.iter().enumerate() {
            let visitor = Visitor::new(site, *habit, number);
            visitors.spawn(visitor.visit(stop.clone(), Arc::clone(&answered)));
        }
        Self { stop, answered, visitors }
    }

    /// Requests answered so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Takes the load off, once there were enough requests to tell, and counts.
    pub async fn end(self) -> Tally {
        let enough = || async {
            ensure!(self.answered() >= ENOUGH, "only {} were answered", self.answered());
            Ok(())
        };
        // Without them the tally shows why.
        drop(eventually("there were enough requests", PATIENCE, enough).await);
        self.stop.cancel();
        let mut total = Tally::default();
        for tally in self.visitors.join_all().await {
            total.add(tally);
        }
        total
    }
}

impl Tally {
    /// Itself, when no request failed and there were enough of them to tell.
    ///
    /// # Panics
    /// When one failed, with what happened to it.
    pub fn expect_nothing_dropped(&self) -> &Self {
        assert!(
            self.failed == 0,
            "{} of {} failed: {:#?}",
            self.failed,
            self.total(),
            self.failures
        );
        assert!(self.answered >= ENOUGH, "only {} requests: this proves nothing", self.answered);
        self
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.answered + self.failed
    }

    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        for (body, count) in other.bodies {
            *self.bodies.entry(body).or_default() += count;
        }
        self.failures.extend(other.failures);
        self.failures.truncate(DESCRIBED);
    }
}

struct Visitor {
    site: Site,
    habit: Habit,
    number: usize,
    connection: Option<Connection>,
    tally: Tally,
}

impl Visitor {
    fn new(site: &Site, habit: Habit, number: usize) -> Self {
        Self { site: site.clone(), habit, number, connection: None, tally: Tally::default() }
    }

    async fn visit(mut self, stop: CancellationToken, answered: Arc<AtomicU64>) -> Tally {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            pace.tick().await;
            match self.request().await {
                Ok(()) => {
                    self.tally.answered += 1;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => self.complain(&error),
            }
        }
        self.tally
    }

    async fn request(&mut self) -> anyhow::Result<()> {
        let count = self.tally.total();
        let (method, sent) = match self.habit {
            Habit::Fresh | Habit::Kept => (Method::GET, String::new()),
            Habit::Posting => (Method::POST, format!("{}-{count}", self.number)),
        };
        let keeps = match self.habit {
            Habit::Fresh => false,
            Habit::Kept => true,
            Habit::Posting => !count.is_multiple_of(4),
        };
        let mut connection = match self.connection.take() {
            Some(kept) if keeps => kept,
            _ => Connection::open(self.site.proxy).await?,
        };
        let request = self.site.request(method, "/", Bytes::from(sent.clone()));
        let answer = connection.send(request).await?;
        self.connection = Some(connection).filter(|_| keeps && answer.kept);
        let body = answer.text();
        ensure!(answer.status == StatusCode::OK, "{}: {body}", answer.status);
        if self.habit == Habit::Posting {
            ensure!(body == sent, "sent `{sent}`, got back `{body}`");
        } else {
            *self.tally.bodies.entry(body).or_default() += 1;
        }
        Ok(())
    }

    fn complain(&mut self, error: &anyhow::Error) {
        self.tally.failed += 1;
        self.connection = None;
        if self.tally.failures.len() < DESCRIBED {
            let nth = self.tally.total();
            self.tally.failures.push(format!("{:?}, request {nth}: {error:#}", self.habit));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// Answers `ok` to anything, but hangs up on every tenth connection instead.
    async fn unreliable_server() -> (Site, Arc<AtomicU64>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = listener.local_addr().unwrap();
        let hung_up = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&hung_up);
        tokio::task::spawn(async move {
            for number in 1_u64.. {
                let (stream, _) = listener.accept().await.unwrap();
                if number.is_multiple_of(10) {
                    count.fetch_add(1, Ordering::Relaxed);
                } else {
                    tokio::task::spawn(answer(stream));
                }
            }
        });
        (Site { proxy, host: "shop.localhost".to_owned() }, hung_up)
    }

    async fn answer(mut stream: TcpStream) {
        let mut request = [0; 4096];
        while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
            stream.write_all(ANSWER).await.unwrap();
        }
    }

    async fn tally(site: &Site, habit: Habit) -> Tally {
        Load::of(site, &[habit]).end().await
    }

    #[tokio::test]
    async fn every_request_that_is_hung_up_on_is_counted_once() {
        let (site, hung_up) = unreliable_server().await;
        let tally = tally(&site, Habit::Fresh).await;
        assert_eq!(tally.failed, hung_up.load(Ordering::Relaxed));
        assert!(tally.failed >= 10 && !tally.failures.is_empty(), "{tally:?}");
        assert_eq!(tally.bodies["ok"], tally.answered);
    }

    #[tokio::test]
    async fn a_kept_connection_stays_one_connection() {
        let (site, _) = unreliable_server().await;
        let tally = tally(&site, Habit::Kept).await;
        assert_eq!(tally.failed, 0, "{:?}", tally.failures);
    }

    #[tokio::test]
    async fn an_answer_to_another_post_is_a_failure() {
        let (site, _) = unreliable_server().await;
        let mut visitor = Visitor::new(&site, Habit::Posting, 0);
        let complaint = visitor.request().await.unwrap_err().to_string();
        assert_eq!(complaint, "sent `0-0`, got back `ok`");
    }
}
