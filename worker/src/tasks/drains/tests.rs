//! Lines on their way to real receivers: TCP, TLS and HTTP.

mod receivers;

use std::collections::BTreeSet;

use slipway_core::outbound::OutboundRules;
use slipway_store::logs::LogLimits;
use slipway_store::{NewDrain, StoreSettings, Wakes};
use tempfile::TempDir;

use self::receivers::{Certificate, HttpReceiver, SyslogReceiver};
use super::*;
use crate::outbound::Outbound;
use crate::proxy::tests::rig::eventually;

/// An app with a log, and what its drains need.
struct World {
    store: Store,
    logs: LogStore,
    keys: KeyRing,
    app: slipway_store::App,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::keeping(LogLimits::default()).await
    }

    async fn keeping(limits: LogLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
        let store = Store::open(&StoreSettings { url, max_connections: 4 }).await.unwrap();
        let keys = KeyRing::load_or_create(folder.path()).unwrap();
        let logs = LogStore::with_limits(folder.path().join("logs"), Wakes::default(), limits);
        let app = store.create_app(&"shop".parse().unwrap(), "ada").await.unwrap();
        Self { store, logs, keys, app, _folder: folder }
    }

    fn say(&self, texts: impl IntoIterator<Item = String>) {
        let line = |text| LogLine::new(clock::now(), LogSource::App, text);
        let lines: Vec<LogLine> = texts.into_iter().map(line).collect();
        self.logs.append(&self.app.id, &lines).unwrap();
    }

    async fn drain(&self, url: &str, token: Option<&str>, gzip: bool) -> Drain {
        let new = NewDrain {
            app_id: self.app.id.clone(),
            target: DrainTarget::parse(url, token.map(str::to_owned), gzip).unwrap(),
            sources: Vec::new(),
            position: self.logs.whole_end(&self.app.id).await.unwrap(),
            by: "ada".to_owned(),
        };
        self.store.create_drain(new, &self.keys).await.unwrap()
    }

    fn delivery(&self, drain: &Drain, door: Door) -> Delivery {
        Delivery {
            store: self.store.clone(),
            logs: self.logs.clone(),
            keys: self.keys.clone(),
            door: Arc::new(door),
            drain: drain.clone(),
            app: self.app.name.clone(),
        }
    }

    /// Delivers to the drain in the background, from where it is now.
    async fn follow(&self, drain: &Drain, door: Door) -> AbortOnDropHandle<()> {
        let drain = self.stored(drain).await;
        AbortOnDropHandle::new(tokio::spawn(self.delivery(&drain, door).follow()))
    }

    async fn stored(&self, drain: &Drain) -> Drain {
        self.store.drain(&self.app.id, &drain.id).await.unwrap().unwrap()
    }

    /// Waits until everything that was said is stored as delivered.
    async fn settled(&self, drain: &Drain) {
        eventually("all is stored as delivered", || async {
            let drain = self.stored(drain).await;
            let end = self.logs.whole_end(&self.app.id).await.unwrap();
            drain.position == end && drain.failure.is_none()
        })
        .await;
    }

    async fn failure(&self, drain: &Drain) -> String {
        eventually("its failure is stored", || async {
            self.stored(drain).await.failure.is_some()
        })
        .await;
        self.stored(drain).await.failure.unwrap().1
    }
}

fn local() -> Outbound {
    Outbound::new(OutboundRules::allowing(vec!["127.0.0.0/8".parse().unwrap()]))
}

fn open_door() -> Door {
    Door::trusting(local(), rustls::RootCertStore::empty())
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("line {number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_gets_every_line_from_when_the_drain_was_added_on() {
    let (world, receiver) = (World::new().await, SyslogReceiver::start().await);
    world.say(["before".to_owned()]);
    let drain = world.drain(&receiver.url(), None, false).await;
    let _task = world.follow(&drain, open_door()).await;
    world.say(numbered(0..5_000));
    eventually("all have arrived", || async { receiver.texts().len() == 5_000 }).await;
    assert_eq!(receiver.texts(), numbered(0..5_000));
    let first = receiver.messages()[0].clone();
    assert!(first.starts_with("<134>1 20") && first.contains(" shop shop app app - "), "{first}");
    world.settled(&drain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_goes_away_and_comes_back_misses_nothing() {
    let (world, receiver) = (World::new().await, SyslogReceiver::start().await);
    let drain = world.drain(&receiver.url(), None, false).await;
    let task = world.follow(&drain, open_door()).await;
    world.say(numbered(0..10));
    eventually("the first have arrived", || async { receiver.texts().len() == 10 }).await;
    // At once, while nobody can know yet whether they were taken.
    receiver.hang_up();
    world.say(numbered(10..20));
    let distinct = || receiver.texts().into_iter().collect::<BTreeSet<_>>().len();
    eventually("all have arrived", || async { distinct() == 20 }).await;
    world.settled(&drain).await;

    // Another process of Slipway goes on where this one was.
    drop(task);
    let seen = receiver.texts().len();
    world.say(numbered(20..30));
    let _task = world.follow(&drain, open_door()).await;
    eventually("the rest has arrived", || async { distinct() == 30 }).await;
    assert_eq!(receiver.texts()[seen..], numbered(20..30), "what was taken does not come again");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_to_whom_the_certificate_names_and_to_nobody_else() {
    let certificate = Certificate::make();
    let (world, receiver) = (World::new().await, SyslogReceiver::start_tls(&certificate).await);
    let url = format!("syslog+tls://localhost:{}", receiver.port());
    let drain = world.drain(&url, None, false).await;
    let distrusting = world.follow(&drain, open_door()).await;
    world.say(numbered(0..3));
    let failure = world.failure(&drain).await;
    assert!(failure.starts_with("TLS failed"), "{failure}");
    drop(distrusting);
    assert!(receiver.texts().is_empty());

    let _task = world.follow(&drain, Door::trusting(local(), certificate.roots())).await;
    eventually("all have arrived", || async { receiver.texts() == numbered(0..3) }).await;
    world.settled(&drain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_gets_batches_of_json_and_is_asked_again_until_it_takes_them() {
    let (world, receiver) = (World::new().await, HttpReceiver::start().await);
    receiver.answer(503);
    let url = format!("http://127.0.0.1:{}/in?key=1", receiver.port());
    let drain = world.drain(&url, Some("s3cret"), true).await;
    assert!(!format!("{drain:?}").contains("s3cret"));
    let _task = world.follow(&drain, open_door()).await;
    world.say(numbered(0..3_000));
    assert_eq!(world.failure(&drain).await, "it answered 503");
    assert_eq!(world.stored(&drain).await.position, drain.position);
    receiver.answer(204);
    world.settled(&drain).await;

    let requests = receiver.taken();
    let lines: Vec<serde_json::Value> =
        requests.iter().flat_map(|request| request.lines.clone()).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(texts, numbered(0..3_000));
    assert!(requests.len() > 1, "{} requests", requests.len());
    assert_eq!((&lines[0]["app"], &lines[0]["source"]), (&"shop".into(), &"app".into()));
    let head = requests[0].head.to_lowercase();
    assert!(head.starts_with("post /in?key=1 http/1.1"), "{head}");
    assert!(head.contains("authorization: bearer s3cret"), "{head}");
    assert!(head.contains("content-encoding: gzip"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_removed_meanwhile_is_named() {
    let limits = LogLimits { segment_bytes: 2_000, words_bytes: 10_000, access_bytes: 1_000 };
    let (world, receiver) = (World::keeping(limits).await, SyslogReceiver::start().await);
    let drain = world.drain(&receiver.url(), None, false).await;
    world.say(numbered(0..1_000));
    let _task = world.follow(&drain, open_door()).await;
    eventually("the newest has arrived", || async {
        receiver.texts().last().is_some_and(|text| text == "line 999")
    })
    .await;
    let texts = receiver.texts();
    assert!(texts[0].starts_with("… some lines are missing here"), "{}", texts[0]);
    assert!(texts.len() < 300, "{}", texts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_addresses_are_not_connected_to_whatever_name_they_hide_behind() {
    let (world, receiver) = (World::new().await, SyslogReceiver::start().await);
    for host in ["127.0.0.1", "localhost"] {
        let drain = world.drain(&format!("syslog://{host}:{}", receiver.port()), None, false).await;
        let door =
            Door::trusting(Outbound::new(OutboundRules::default()), rustls::RootCertStore::empty());
        let _task = world.follow(&drain, door).await;
        world.say(numbered(0..1));
        let failure = world.failure(&drain).await;
        assert!(failure.contains("a loopback address"), "{failure}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_whether_a_line_was_taken() {
    let (world, receiver) = (World::new().await, SyslogReceiver::start().await);
    let drain = world.drain(&receiver.url(), None, false).await;
    let outcome = async |drain: &Drain| {
        let asked = world.store.ask_drain_test(&world.app.id, &drain.id).await.unwrap().unwrap();
        world.delivery(drain, open_door()).test(asked).await;
        world.stored(drain).await.test.unwrap().outcome.unwrap()
    };
    assert_eq!(outcome(&drain).await, Ok(()));
    assert!(receiver.texts()[0].contains(drain.id.to_string().as_str()), "{:?}", receiver.texts());
    assert_eq!(world.stored(&drain).await.position, drain.position, "apart from the others");

    let closed = crate::proxy::tests::rig::free_address();
    let nobody = world.drain(&format!("http://{closed}/"), None, false).await;
    let error = outcome(&nobody).await.unwrap_err();
    assert!(error.starts_with("it cannot be reached"), "{error}");
}
