//! From a request to its line in the app's log, with a real nginx; and what a flood leaves.

use std::path::Path;
use std::time::{Duration, Instant};

use slipway_core::id::Id;
use slipway_core::time::Millis;
use slipway_store::Wakes;
use tempfile::TempDir;

use super::*;
use crate::proxy::tests::backend::Backend;
use crate::proxy::tests::rig::{Rig, app, shop};

/// Long enough for nginx to write its buffers and for a rotated file to count as finished.
const SOON: Duration = Duration::from_secs(10);

fn store(folder: &TempDir) -> LogStore {
    LogStore::open(folder.path().to_owned(), Wakes::default())
}

fn requests(logs: &LogStore, app_id: &AppId) -> Vec<LogLine> {
    let filter = LogFilter { sources: vec![LogSource::Access], ..LogFilter::default() };
    logs.last_words(app_id, 100_000, &filter).unwrap()
}

/// Collects until the app's log has so many lines of requests.
fn collect(collector: &mut Collector, logs: &LogStore, app_id: &AppId, count: usize) {
    let deadline = Instant::now() + SOON;
    while requests(logs, app_id).len() < count {
        assert!(Instant::now() < deadline, "{} of {count}", requests(logs, app_id).len());
        collector.gather(clock::now()).unwrap();
        collector.deliver(&collector.apps().into_iter().collect()).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_becomes_a_line_of_its_app_also_over_restarts_and_rotations() {
    let (rig, folder) = (Rig::start().await, tempfile::tempdir().unwrap());
    let logs = store(&folder);
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut collector = Collector::new(rig.proxy.access_log(), logs.clone());
    rig.get("/a\"b?c=d").await;
    rig.get("/own-502").await;
    collect(&mut collector, &logs, &shop(), 2);
    let lines = requests(&logs, &shop());
    let line = of_path(&lines, "/a\"b?c=d");
    let request = line.request.as_ref().unwrap();
    assert_eq!((request.status, request.method.as_str()), (200, "GET"));
    assert_eq!(request.client, "127.0.0.1");
    assert_eq!(line.instance.as_deref(), Some(backend.member.instance.short()));
    assert_eq!(line.text, request.to_string());
    assert!(clock::now().since(line.at) < Millis::from_secs(20), "{:?}", line.at);
    assert_eq!(of_path(&lines, "/own-502").request.as_ref().unwrap().status, 502);

    // The next process goes on where this one stopped, and nginx's file is rotated meanwhile.
    drop(collector);
    rig.get("/while-away").await;
    pad(&rig.path().join("proxy/logs/access.log"));
    assert!(rig.proxy.rotate_logs().await.unwrap());
    rig.get("/after-rotation").await;
    let mut collector = Collector::new(rig.proxy.access_log(), logs.clone());
    collect(&mut collector, &logs, &shop(), 4);
    // What was written before a rotation is read before what came after it.
    let paths: Vec<String> =
        requests(&logs, &shop()).into_iter().map(|line| line.request.unwrap().path).collect();
    assert_eq!(paths[2..], ["/while-away", "/after-rotation"]);
}

/// The line of a request. Workers of nginx write their own buffers: which comes first is chance.
fn of_path<'a>(lines: &'a [LogLine], path: &str) -> &'a LogLine {
    let is_it = |line: &&LogLine| line.request.as_ref().is_some_and(|it| it.path == path);
    lines.iter().find(is_it).unwrap_or_else(|| panic!("no line of {path}: {lines:?}"))
}

/// Lets the log grow over what it is rotated at, with lines that are none.
fn pad(log: &Path) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().append(true).open(log).unwrap();
    file.write_all(&vec![b'\n'; 11 * 1024 * 1024]).unwrap();
}

/// A log as nginx writes it, without an nginx.
struct Written {
    folder: TempDir,
}

impl Written {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn log(&self) -> AccessLog {
        let path = |name| self.folder.path().join(name);
        AccessLog::open(path("access.log"), path("access.position"))
    }

    fn add(&self, app: &AppId, ids: std::ops::Range<u32>) {
        use std::fmt::Write as _;
        use std::io::Write as _;

        let mut text = String::new();
        for id in ids {
            let _ = writeln!(
                text,
                r#"{{"app":"{app}","at":1764108000.123,"id":"{id}","instance":"","client":"::1","method":"GET","path":"/","status":"200","seconds":0.012,"bytes":7}}"#
            );
        }
        let path = self.folder.path().join("access.log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }
}

#[test]
fn of_a_flood_the_newest_requests_stay_and_the_others_are_counted() {
    let (written, folder) = (Written::new(), tempfile::tempdir().unwrap());
    let logs = store(&folder);
    let mut collector = Collector::new(written.log(), logs.clone());
    written.add(&shop(), 0..20_000);
    written.add(&app(2), 0..3);
    let now = clock::now();
    assert_eq!(collector.gather(now).unwrap(), Progress::UpToDate);
    collector.deliver(&BTreeSet::from([shop(), app(2)])).unwrap();
    let lines = requests(&logs, &shop());
    assert_eq!(lines.len(), Allowance::MOST + 1);
    assert_eq!(lines[0].text, "… 18000 access lines were dropped");
    assert_eq!(lines[1].request.as_ref().unwrap().id, "18000");
    assert_eq!(lines[1].request.as_ref().unwrap().duration_ms, 12);
    assert_eq!(lines[1].at, Timestamp(1_764_108_000_123));
    assert_eq!(requests(&logs, &app(2)).len(), 3, "another app has its own allowance");

    // What one second earns is all that the next one brings.
    written.add(&shop(), 20_000..40_000);
    collector.gather(now + Millis::from_secs(1)).unwrap();
    collector.deliver(&BTreeSet::from([shop()])).unwrap();
    let lines = requests(&logs, &shop());
    assert_eq!(lines.len(), Allowance::MOST + 1 + Allowance::A_SECOND + 1);
}

#[test]
fn what_a_killed_process_had_written_is_not_written_again() {
    let (written, folder) = (Written::new(), tempfile::tempdir().unwrap());
    let logs = store(&folder);
    written.add(&shop(), 0..50);
    let mut killed = Collector::new(written.log(), logs.clone());
    killed.gather(clock::now()).unwrap();
    killed.deliver(&BTreeSet::from([shop()])).unwrap();
    // It died after the lines were written and before it could say so.
    std::fs::remove_file(written.folder.path().join("access.position")).unwrap();
    written.add(&shop(), 50..60);
    let mut next = Collector::new(written.log(), logs.clone());
    next.gather(clock::now()).unwrap();
    next.deliver(&BTreeSet::from([shop()])).unwrap();
    let ids: Vec<String> =
        requests(&logs, &shop()).into_iter().map(|line| line.request.unwrap().id).collect();
    assert_eq!(ids, (0..60).map(|id| id.to_string()).collect::<Vec<_>>());
}

#[test]
fn requests_of_an_app_that_is_gone_leave_nothing_behind() {
    let (written, folder) = (Written::new(), tempfile::tempdir().unwrap());
    let logs = store(&folder);
    written.add(&shop(), 0..50);
    let mut collector = Collector::new(written.log(), logs);
    collector.gather(clock::now()).unwrap();
    assert_eq!(collector.apps(), [shop()]);
    collector.deliver(&BTreeSet::new()).unwrap();
    assert!(!folder.path().join(shop().as_str()).exists());
}

#[test]
fn a_line_holds_whatever_a_visitor_asks_for() {
    let line = |path: &str, status: &str| {
        let text = format!(
            r#"{{"app":"{}","at":1.5,"id":"1","instance":"","client":"::1","method":"GET","path":"{path}","status":"{status}","seconds":0,"bytes":0}}"#,
            shop()
        );
        log_line(text.as_bytes())
    };
    let long = line(&"ü".repeat(5_000), "200").unwrap().request.unwrap().path;
    assert!(long.len() <= LONGEST_PATH + '…'.len_utf8() && long.ends_with('…'));
    assert_eq!(line("/", "000").unwrap().request.unwrap().status, 0);
    assert!(line("/", "").is_none());
    assert!(log_line(b"no line").is_none());
}
