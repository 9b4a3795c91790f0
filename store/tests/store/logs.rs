use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use slipway_core::id::{AppId, Id};
use slipway_core::log::{LogLine, LogSource};
use slipway_core::time::Timestamp;
use slipway_store::logs::LogLimits;
use slipway_store::{LogFilter, LogPage, LogStore, LogTail, Topic, Wakes};
use tempfile::TempDir;

/// Small, so that a few lines fill a segment.
const LIMITS: LogLimits =
    LogLimits { segment_bytes: 1_000, words_bytes: 5_000, access_bytes: 5_000 };
const ALL: usize = 1_000_000;

struct Logs {
    store: LogStore,
    app: AppId,
    folder: TempDir,
}

impl Logs {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = LogStore::with_limits(folder.path().to_owned(), Wakes::default(), LIMITS);
        Ok(Self { store, app: AppId::from_bits(1), folder })
    }

    /// The same files through a store of another process.
    fn beside(&self) -> LogStore {
        LogStore::with_limits(self.folder.path().to_owned(), Wakes::default(), LIMITS)
    }

    /// Appends lines that say these numbers.
    fn append(&self, numbers: std::ops::Range<u32>) -> anyhow::Result<()> {
        let lines: Vec<LogLine> = numbers.map(|number| line(&number.to_string())).collect();
        Ok(self.store.append(&self.app, &lines)?)
    }

    fn segments(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.folder.path().join(self.app.to_string()))?;
        let mut paths =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }

    /// Writes what a crash leaves of a line.
    fn tear(&self) -> anyhow::Result<()> {
        let last = self.segments()?.pop().expect("there is a segment");
        Ok(fs::OpenOptions::new().append(true).open(last)?.write_all(br#"{"at":1,"sour"#)?)
    }
}

fn line(text: &str) -> LogLine {
    LogLine {
        at: Timestamp(1),
        source: LogSource::App,
        process: Some("web".to_owned()),
        instance: Some("abcd1234".to_owned()),
        deployment: None,
        text: text.to_owned(),
        request: None,
    }
}

impl Logs {
    async fn tail(&self, count: usize, filter: &LogFilter) -> anyhow::Result<LogTail> {
        Ok(self.store.tail(&self.app, count, filter, None).await?)
    }
}

fn texts<P>(lines: &[(P, LogLine)]) -> Vec<&str> {
    lines.iter().map(|(_, line)| line.text.as_str()).collect()
}

fn numbers<P>(lines: &[(P, LogLine)]) -> Vec<u32> {
    texts(lines).into_iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn what_was_appended_is_read_from_any_position_on() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    assert_eq!(logs.store.read(&logs.app, 0, ALL).await?, LogPage::default());
    assert_eq!(logs.store.end(&logs.app).await?, 0);
    let hard =
        ["plain", "", "tab\tquote\" \\ \u{1b}[31mred", "emoji 🚀 and \u{0}", "data:\n\nevent: x"];
    let lines: Vec<LogLine> = hard.iter().map(|text| line(text)).collect();
    logs.store.append(&logs.app, &lines)?;

    let page = logs.store.read(&logs.app, 0, ALL).await?;
    assert_eq!(page.lines.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>(), lines);
    assert_eq!(page.next, logs.store.end(&logs.app).await?);
    assert!(!page.truncated);
    for (index, (position, _)) in page.lines.iter().enumerate() {
        let rest = logs.store.read(&logs.app, *position, ALL).await?;
        assert_eq!(texts(&rest.lines), hard[index + 1..]);
        let inside = logs.store.read(&logs.app, position - 3, ALL).await?;
        assert_eq!(inside.lines, rest.lines, "inside a line counts as behind it");
    }
    Ok(())
}

#[tokio::test]
async fn reading_in_small_pages_gives_every_line_once_over_all_segments() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    logs.append(0..40)?;
    assert!(logs.segments()?.len() > 2);
    for max_bytes in [1, 50, 130, 999, ALL] {
        let (mut position, mut seen) = (0, Vec::new());
        loop {
            let page = logs.beside().read(&logs.app, position, max_bytes).await?;
            if page.lines.is_empty() {
                break;
            }
            seen.extend(numbers(&page.lines));
            position = page.next;
        }
        assert_eq!(seen, (0..40).collect::<Vec<_>>(), "{max_bytes}");
    }
    Ok(())
}

#[tokio::test]
async fn positions_go_on_when_the_oldest_segments_are_gone() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    logs.append(0..500)?;
    let kept: u64 = logs.segments()?.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(kept <= LIMITS.words_bytes, "{kept}");
    assert!(kept >= LIMITS.words_bytes / 2, "{kept}");

    let page = logs.store.read(&logs.app, 0, ALL).await?;
    assert!(page.truncated, "the reader is told that the beginning is gone");
    let seen = numbers(&page.lines);
    let first = seen[0];
    assert!(first > 0);
    assert_eq!(seen, (first..500).collect::<Vec<_>>());
    assert_eq!(page.next, logs.store.end(&logs.app).await?);
    assert!(page.next > LIMITS.words_bytes, "positions count what was removed too");
    let beyond = logs.store.read(&logs.app, page.next + 1_000, ALL).await?;
    assert_eq!((beyond.lines.len(), beyond.next), (0, page.next));
    Ok(())
}

#[tokio::test]
async fn half_a_line_is_not_read_and_is_cut_off_by_the_next_writer() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    logs.append(0..3)?;
    let end = logs.store.end(&logs.app).await?;
    logs.tear()?;
    let other = logs.beside();
    assert_eq!(other.end(&logs.app).await?, end);
    let page = other.read(&logs.app, 0, ALL).await?;
    assert_eq!((numbers(&page.lines), page.next), (vec![0, 1, 2], end));
    assert_eq!(
        other.read(&logs.app, end, ALL).await?,
        LogPage { from: end, next: end, ..LogPage::default() }
    );
    assert_eq!(numbers(&other.tail(&logs.app, 1, &LogFilter::default(), None).await?.lines), [2]);

    other.append(&logs.app, &[line("3")])?;
    let page = other.read(&logs.app, end, ALL).await?;
    assert_eq!(numbers(&page.lines), [3], "at the position that a reader waited at");
    Ok(())
}

#[tokio::test]
async fn a_line_that_is_none_is_read_past() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    logs.append(0..1)?;
    let segment = logs.segments()?.pop().expect("there is a segment");
    fs::OpenOptions::new().append(true).open(segment)?.write_all(b"\n{\"half\": \xff\n")?;
    let other = logs.beside();
    other.append(&logs.app, &[line("1")])?;
    assert_eq!(numbers(&other.read(&logs.app, 0, ALL).await?.lines), [0, 1]);
    assert_eq!(
        numbers(&other.tail(&logs.app, 5, &LogFilter::default(), None).await?.lines),
        [0, 1]
    );
    Ok(())
}

#[tokio::test]
async fn a_line_longer_than_any_block_is_read_whole() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = LogStore::open(folder.path().to_owned(), Wakes::default());
    let (app, long) = (AppId::from_bits(1), "x".repeat(700_000));
    store.append(&app, &[line("before"), line(&long), line("after")])?;
    let page = store.read(&app, 0, 1).await?;
    let page = store.read(&app, page.next, 1).await?;
    assert_eq!(page.lines[0].1.text, long);
    let tail = store.tail(&app, 3, &LogFilter::default(), None).await?;
    assert_eq!(texts(&tail.lines), ["before", long.as_str(), "after"]);
    Ok(())
}

#[tokio::test]
async fn the_tail_is_the_last_lines_that_match() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    logs.append(0..20)?;
    let odd = LogLine { instance: Some("other".to_owned()), ..line("found") };
    logs.store.append(&logs.app, std::slice::from_ref(&odd))?;
    logs.append(20..40)?;

    let all = LogFilter::default();
    let tail = logs.tail(3, &all).await?;
    assert_eq!(numbers(&tail.lines), [37, 38, 39]);
    assert_eq!(tail.next.words, logs.store.end(&logs.app).await?);
    let behind = tail.lines[0].0.words;
    assert_eq!(numbers(&logs.store.read(&logs.app, behind, ALL).await?.lines), [38, 39]);
    let older = logs.store.tail(&logs.app, 3, &all, tail.before).await?;
    assert_eq!(numbers(&older.lines), [34, 35, 36], "an older page ends where this one begins");

    let others = LogFilter { instance: Some("other".to_owned()), ..all.clone() };
    let tail = logs.tail(3, &others).await?;
    assert_eq!((texts(&tail.lines), tail.before), (vec!["found"], None));
    let none = LogFilter { contains: Some("nowhere".to_owned()), ..all.clone() };
    assert!(logs.tail(3, &none).await?.lines.is_empty());
    assert!(logs.tail(0, &all).await?.lines.is_empty());
    assert_eq!(logs.tail(100, &all).await?.lines.len(), 41);
    assert_eq!(logs.store.last_words(&logs.app, 1, &others)?, std::slice::from_ref(&odd));
    Ok(())
}

#[test]
fn the_last_words_of_who_is_quiet_are_found_however_much_others_say() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = LogStore::open(folder.path().to_owned(), Wakes::default());
    let app = AppId::from_bits(1);
    let quiet = LogLine { instance: Some("other".to_owned()), ..line("done") };
    store.append(&app, std::slice::from_ref(&quiet))?;
    let noise = vec![line(&"x".repeat(8_000)); 200];
    store.append(&app, &noise)?;
    let filter = LogFilter { instance: Some("other".to_owned()), ..LogFilter::default() };
    assert_eq!(store.last_words(&app, 1, &filter)?, [], "more than a MiB back");
    assert_eq!(store.last_words_ever(&app, 1, &filter)?, [quiet]);
    Ok(())
}

/// A reader of another process follows while the writer rolls over and removes what is old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_beside_the_writer_sees_whole_lines_in_order() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    let (reader, app) = (logs.beside(), logs.app.clone());
    let reading = tokio::spawn(async move {
        let (mut position, mut last) = (0, None);
        while last != Some(2_999) {
            let page = reader.read(&app, position, 700).await?;
            for number in numbers(&page.lines) {
                let in_order = last.is_none_or(|last| number == last + 1);
                anyhow::ensure!(in_order || page.truncated, "{number} came after {last:?}");
                last = Some(number);
            }
            position = page.next;
        }
        Ok(())
    });
    for start in (0..3_000).step_by(10) {
        logs.append(start..start + 10)?;
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(Duration::from_secs(30), reading).await??
}

#[tokio::test]
async fn appending_wakes_those_who_read() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let wakes = Wakes::default();
    let store = LogStore::open(folder.path().to_owned(), wakes.clone());
    let mut wake = wakes.subscribe(Topic::Logs);
    store.append(&AppId::from_bits(1), &[line("x")])?;
    let began = std::time::Instant::now();
    wake.wait(Duration::from_mins(1)).await;
    assert!(began.elapsed() < Duration::from_mins(1));
    Ok(())
}

#[tokio::test]
async fn a_removed_log_is_gone_and_can_begin_anew() -> anyhow::Result<()> {
    let logs = Logs::new()?;
    logs.append(0..3)?;
    logs.store.remove(&logs.app)?;
    logs.store.remove(&logs.app)?;
    assert_eq!(logs.store.read(&logs.app, 0, ALL).await?, LogPage::default());
    logs.append(7..8)?;
    assert_eq!(numbers(&logs.store.read(&logs.app, 0, ALL).await?.lines), [7]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_may_append_to_one_log() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = LogStore::open(folder.path().to_owned(), Wakes::default());
    let app = AppId::from_bits(1);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, app) = (&store, &app);
            scope.spawn(move || {
                for number in 0..50 {
                    let both = [line(&format!("{thread} {number}")), line("with it")];
                    store.append(app, &both).unwrap();
                }
            });
        }
    });
    let page = store.read(&app, 0, ALL).await?;
    assert_eq!(page.lines.len(), 400);
    assert!(texts(&page.lines).chunks(2).all(|pair| pair[1] == "with it"), "a call is one piece");
    Ok(())
}
