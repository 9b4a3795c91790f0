//! The proxy's lines beside everybody's, and finding lines in both.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use slipway_core::id::{AppId, Id};
use slipway_core::log::{LogLine, LogSource, LoggedRequest};
use slipway_core::time::{Millis, Timestamp};
use slipway_store::logs::LogLimits;
use slipway_store::{LogFilter, LogPosition, LogStore, Wakes, clock};
use tempfile::TempDir;

const ALL: usize = 1_000_000;

struct Logs {
    store: LogStore,
    app: AppId,
    folder: TempDir,
}

impl Logs {
    fn new(limits: LogLimits) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = LogStore::with_limits(folder.path().to_owned(), Wakes::default(), limits);
        Ok(Self { store, app: AppId::from_bits(1), folder })
    }

    fn append(&self, lines: &[LogLine]) -> anyhow::Result<()> {
        Ok(self.store.append(&self.app, lines)?)
    }

    /// The texts of the last lines that match.
    async fn found(&self, filter: &LogFilter) -> anyhow::Result<Vec<String>> {
        let tail = self.store.tail(&self.app, 1_000, filter, None).await?;
        Ok(texts(tail.lines))
    }

    /// The texts of all that match, read on from the beginning in pages of this size.
    async fn followed(&self, filter: &LogFilter, max_bytes: usize) -> anyhow::Result<Vec<String>> {
        let (mut position, mut seen) = (LogPosition::default(), Vec::new());
        loop {
            let page = self.store.read_all(&self.app, position, max_bytes, filter).await?;
            seen.extend(texts(page.lines));
            if page.next == position {
                return Ok(seen);
            }
            position = page.next;
        }
    }
}

fn texts(lines: Vec<(LogPosition, LogLine)>) -> Vec<String> {
    lines.into_iter().map(|(_, line)| line.text).collect()
}

fn word(at: i64, text: &str) -> LogLine {
    let (process, instance) = (Some("web".to_owned()), Some("abcd1234".to_owned()));
    LogLine { process, instance, ..LogLine::new(Timestamp(at), LogSource::App, text) }
}

fn request(at: i64, status: u16, path: &str) -> LogLine {
    let request = LoggedRequest {
        id: format!("{at}-1-1"),
        client: "203.0.113.9".to_owned(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        status,
        duration_ms: 12,
        bytes: 512,
    };
    let text = request.to_string();
    let instance = Some("abcd1234".to_owned());
    let line = LogLine::new(Timestamp(at), LogSource::Access, text);
    LogLine { request: Some(request), instance, ..line }
}

fn small() -> LogLimits {
    LogLimits { segment_bytes: 4_000, words_bytes: 20_000, access_bytes: 10_000 }
}

#[tokio::test]
async fn requests_never_push_out_what_the_app_said() -> anyhow::Result<()> {
    let logs = Logs::new(small())?;
    logs.append(&[word(1, "its first words")])?;
    for batch in 0..50 {
        let lines: Vec<LogLine> = (0..20).map(|n| request(batch * 20 + n, 200, "/")).collect();
        logs.append(&lines)?;
    }
    let found = logs.found(&LogFilter::default()).await?;
    assert_eq!(found[0], "its first words");
    assert!((20..100).contains(&found.len()), "{} lines of 1001 are kept", found.len());
    let kept: u64 = std::fs::read_dir(logs.folder.path().join(logs.app.as_str()).join("access"))?
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept <= small().access_bytes, "{kept}");
    Ok(())
}

#[tokio::test]
async fn all_sources_are_one_log_in_the_order_of_time() -> anyhow::Result<()> {
    let logs = Logs::new(LogLimits::default())?;
    let mut expected = Vec::new();
    for at in 0..200 {
        let line = if at % 3 == 0 {
            word(at, &format!("word {at}"))
        } else {
            request(at, 200, &format!("/{at}"))
        };
        expected.push(line.text.clone());
        logs.append(&[line])?;
    }
    let any = LogFilter::default();
    assert_eq!(logs.found(&any).await?, expected);
    for max_bytes in [1, 100, 700, ALL] {
        assert_eq!(logs.followed(&any, max_bytes).await?, expected, "{max_bytes}");
    }
    let tail = logs.store.tail(&logs.app, 50, &any, None).await?;
    for (index, (position, _)) in tail.lines.iter().enumerate() {
        let rest = logs.store.read_all(&logs.app, *position, ALL, &any).await?;
        assert_eq!(texts(rest.lines), expected[151 + index..], "every line can be resumed behind");
    }
    assert_eq!(tail.next, logs.store.whole_end(&logs.app).await?);
    Ok(())
}

#[tokio::test]
async fn a_search_goes_on_from_page_to_page_and_finds_every_line_once() -> anyhow::Result<()> {
    let logs = Logs::new(LogLimits::default())?;
    for at in 0..100 {
        logs.append(&[word(at, &format!("word {at}")), request(at, 404, &format!("/{at}"))])?;
    }
    let filter = LogFilter { contains: Some("7".to_owned()), ..LogFilter::default() };
    let expected = logs.found(&filter).await?;
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let tail = logs.store.tail(&logs.app, 7, &filter, before).await?;
        pages.insert(0, texts(tail.lines));
        before = tail.before;
        if before.is_none() {
            break;
        }
    }
    assert!(pages.len() >= 5, "{}", pages.len());
    assert_eq!(pages.concat(), expected);
    Ok(())
}

#[tokio::test]
async fn filters_hold_for_history_and_for_what_is_read_on() -> anyhow::Result<()> {
    let logs = Logs::new(LogLimits::default())?;
    logs.append(&[
        word(10, "Timeout while reading"),
        request(20, 200, "/"),
        request(30, 503, "/timeout"),
        LogLine::new(Timestamp(40), LogSource::Platform, "-----> restarted"),
        request(50, 404, "/missing"),
    ])?;
    let any = LogFilter::default();
    let cases = [
        (LogFilter { contains: Some("TIMEOUT".into()), ..any.clone() }, vec![10, 30]),
        (LogFilter { contains: Some("203.0.113.9".into()), ..any.clone() }, vec![20, 30, 50]),
        (LogFilter { contains: Some("50-1-1".into()), ..any.clone() }, vec![50]),
        (LogFilter { statuses: vec!["5xx".parse()?, "404".parse()?], ..any.clone() }, vec![30, 50]),
        (
            LogFilter { sources: vec![LogSource::Access, LogSource::Platform], ..any.clone() },
            vec![20, 30, 40, 50],
        ),
        (LogFilter { process: Some("web".into()), ..any.clone() }, vec![10]),
        (LogFilter { instance: Some("abcd1234".into()), ..any.clone() }, vec![10, 20, 30, 50]),
        (
            LogFilter { since: Some(Timestamp(20)), until: Some(Timestamp(40)), ..any.clone() },
            vec![20, 30],
        ),
        (LogFilter { deployment: Some("dep_1".into()), ..any.clone() }, vec![]),
    ];
    for (filter, expected) in cases {
        let tail = logs.store.tail(&logs.app, 100, &filter, None).await?;
        let times = |lines: &[(LogPosition, LogLine)]| -> Vec<i64> {
            lines.iter().map(|(_, line)| line.at.0).collect()
        };
        assert_eq!(times(&tail.lines), expected, "{filter:?}");
        let page = logs.store.read_all(&logs.app, LogPosition::default(), ALL, &filter).await?;
        assert_eq!(times(&page.lines), expected, "{filter:?}");
    }
    Ok(())
}

/// Lines are not quite in the order of their times: what an app wrote while Slipway was away is
/// read when it is back, one instance after the other.
#[tokio::test]
async fn lines_since_a_moment_are_found_behind_older_ones() -> anyhow::Result<()> {
    let logs = Logs::new(small())?;
    let now = clock::now();
    let ago = |seconds: i64| now.0 - 1000 * seconds;
    logs.append(&[word(ago(5), "young")])?;
    logs.append(&[word(ago(9_000), "old, and written later")])?;
    let filter = LogFilter { since: Some(Timestamp(ago(60))), ..LogFilter::default() };
    assert_eq!(logs.found(&filter).await?, ["young"]);
    let future = LogFilter { since: Some(now + Millis::from_secs(60)), ..LogFilter::default() };
    assert!(logs.found(&future).await?.is_empty());
    Ok(())
}

/// What a page of lines may weigh is bounded, however many were asked for.
#[tokio::test]
async fn a_tail_of_very_long_lines_is_cut_and_says_where_it_goes_on() -> anyhow::Result<()> {
    let logs = Logs::new(LogLimits::default())?;
    let long = "x".repeat(16 * 1024);
    for at in 0..900 {
        logs.append(&[word(at, &long)])?;
    }
    let any = LogFilter::default();
    let (mut seen, mut before) = (BTreeSet::new(), None);
    loop {
        let tail = logs.store.tail(&logs.app, 10_000, &any, before).await?;
        assert!(tail.lines.len() < 600, "{}", tail.lines.len());
        seen.extend(tail.lines.iter().map(|(_, line)| line.at));
        before = tail.before;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 900);
    Ok(())
}

/// With `--release` this takes a fraction of a second; the bound here is for a debug build.
#[tokio::test]
async fn fifty_megabytes_are_searched_within_seconds() -> anyhow::Result<()> {
    let logs = Logs::new(LogLimits::default())?;
    let mut at = 0;
    while logs.store.whole_end(&logs.app).await?.words < 38_000_000 {
        let lines: Vec<LogLine> = (0..2_000)
            .map(|n| {
                word(at + n, &format!("INFO worker {n} handled job {} of a queue, in time", at + n))
            })
            .collect();
        at += 2_000;
        logs.append(&lines)?;
    }
    while logs.store.whole_end(&logs.app).await?.access < 9_000_000 {
        let lines: Vec<LogLine> =
            (0..2_000).map(|n| request(at + n, 200, "/cart/checkout")).collect();
        at += 2_000;
        logs.append(&lines)?;
    }
    let nowhere = LogFilter { contains: Some("Deadlock".into()), ..LogFilter::default() };
    let began = Instant::now();
    assert!(logs.found(&nowhere).await?.is_empty());
    let took = began.elapsed();
    println!("47 MB searched in {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    Ok(())
}
