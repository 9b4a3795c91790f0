//! What was measured: written, rolled up, read as one history, forgotten.

use slipway_core::id::{AppId, InstanceId};
use slipway_core::metric::Metric;
use slipway_core::name::ProcessName;
use slipway_core::resolution::Resolution;
use slipway_core::sample::{HostSample, Sample, Traffic};
use slipway_core::time::{Millis, Timestamp};
use slipway_store::{InstanceSample, ProcessSample, SampleBatch, mint};

use crate::bench::Bench;

on_both_databases!(
    a_sample_is_read_as_it_was_written,
    an_interval_that_is_written_again_is_replaced,
    a_history_goes_on_where_nothing_was_rolled_up_yet,
    samples_of_an_app_that_is_gone_do_not_spoil_the_batch,
    what_is_past_its_keeping_is_forgotten_by_resolution,
    a_month_of_samples_is_read_through_the_primary_key,
    traffic_of_every_app_is_read_at_once,
    events_of_a_range_are_found_by_time,
);

const FIVE: Resolution = Resolution::FiveSeconds;
const MINUTE: Resolution = Resolution::Minute;
const TEN: Resolution = Resolution::TenMinutes;

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_795_640_400_000 + seconds * 1000)
}

fn sample(resolution: Resolution, requests: u64) -> Sample {
    let traffic = Traffic { responses: [0, requests, 0, 0, 0], ..Traffic::default() };
    Sample::over(resolution.span()).with_traffic(traffic)
}

fn row(app_id: &AppId, resolution: Resolution, seconds: i64, requests: u64) -> ProcessSample {
    let (app_id, process) = (app_id.clone(), ProcessName::web());
    ProcessSample { app_id, process, at: at(seconds), sample: sample(resolution, requests) }
}

fn batch(rows: Vec<(Resolution, ProcessSample)>) -> SampleBatch {
    SampleBatch { processes: rows, ..SampleBatch::default() }
}

async fn a_sample_is_read_as_it_was_written(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let process = row(&app.id, FIVE, 0, 7);
    let instance = InstanceSample {
        app_id: app.id.clone(),
        process: ProcessName::web(),
        instance_id: mint::id::<InstanceId>(),
        at: at(0),
        sample: sample(FIVE, 3),
    };
    let host = HostSample::over(Millis(5000));
    let written = SampleBatch {
        processes: vec![(FIVE, process.clone())],
        instances: vec![(FIVE, instance.clone())],
        host: vec![(FIVE, at(0), host.clone())],
    };
    bench.store.write_samples(&written).await?;
    let (since, until) = (at(0), at(5));
    let store = &bench.store;
    let history = store.process_history(&app.id, None, FIVE, since, until).await?;
    assert_eq!(history, std::slice::from_ref(&process));
    let worker: ProcessName = "worker".parse()?;
    assert!(store.process_history(&app.id, Some(&worker), FIVE, since, until).await?.is_empty());
    assert_eq!(store.instance_history(&app.id, FIVE, since, until).await?, [instance]);
    assert_eq!(store.host_history(FIVE, since, until).await?, [(at(0), host)]);
    assert_eq!(store.newest_samples(at(0)).await?, [process]);
    assert!(store.newest_samples(at(1)).await?.is_empty());
    Ok(())
}

async fn an_interval_that_is_written_again_is_replaced(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    for requests in [3, 5] {
        bench.store.write_samples(&batch(vec![(FIVE, row(&app.id, FIVE, 0, requests))])).await?;
    }
    let rows = bench.store.stored_processes(&app.id, None, FIVE, at(0), at(5)).await?;
    assert_eq!(rows, [row(&app.id, FIVE, 0, 5)]);
    Ok(())
}

async fn a_history_goes_on_where_nothing_was_rolled_up_yet(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let mut rows = vec![(TEN, row(&app.id, TEN, 0, 600))];
    // Twelve minutes and twenty seconds, of which ten minutes and two are rolled up.
    rows.extend((0..12).map(|slot| (MINUTE, row(&app.id, MINUTE, slot * 60, 60))));
    rows.extend((0..148).map(|slot| (FIVE, row(&app.id, FIVE, slot * 5, 5))));
    bench.store.write_samples(&batch(rows)).await?;
    let history = bench.store.process_history(&app.id, None, TEN, at(0), at(740)).await?;
    let spans: Vec<u64> = history.iter().map(|row| row.sample.span.0 / 1000).collect();
    assert_eq!(spans, [600, 60, 60, 5, 5, 5, 5]);
    let mut whole = history[0].sample.clone();
    for row in &history[1..] {
        whole.append(&row.sample);
    }
    assert_eq!(Metric::Rps.value(&whole), Some(1.0), "no moment is missing or told twice");
    let earlier = bench.store.process_history(&app.id, None, TEN, at(0), at(600)).await?;
    assert_eq!(earlier.len(), 1);
    Ok(())
}

async fn samples_of_an_app_that_is_gone_do_not_spoil_the_batch(bench: Bench) -> anyhow::Result<()> {
    let (gone, app) = (bench.app("gone").await?, bench.app("shop").await?);
    bench.store.write_samples(&batch(vec![(FIVE, row(&gone.id, FIVE, 0, 1))])).await?;
    bench.store.tombstone_app(&gone.id, "ada@example.org").await?;
    bench.store.forget_app(&gone.id).await?;
    let rows = vec![(FIVE, row(&gone.id, FIVE, 5, 1)), (FIVE, row(&app.id, FIVE, 5, 2))];
    bench.store.write_samples(&batch(rows)).await?;
    let stored = async |id| bench.store.stored_processes(id, None, FIVE, at(0), at(60)).await;
    assert!(stored(&gone.id).await?.is_empty(), "they went with the app");
    assert_eq!(stored(&app.id).await?.len(), 1);
    Ok(())
}

async fn what_is_past_its_keeping_is_forgotten_by_resolution(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let rows = [FIVE, MINUTE, TEN].map(|one| (one, row(&app.id, one, 0, 1)));
    let host = [FIVE, MINUTE, TEN].map(|one| (one, at(0), HostSample::over(one.span())));
    let written =
        SampleBatch { processes: rows.into(), host: host.into(), ..SampleBatch::default() };
    bench.store.write_samples(&written).await?;
    for (resolution, left) in [(FIVE, 2), (MINUTE, 1), (TEN, 0)] {
        let kept = resolution.kept_for();
        assert_eq!(bench.store.prune_samples(at(0) + kept).await?, 0, "just not too old");
        assert_eq!(bench.store.prune_samples(at(1) + kept).await?, 2, "the app's and the host's");
        let mut found = 0;
        for one in Resolution::ALL {
            found += bench.store.stored_host(one, at(0), at(1)).await?.len();
        }
        assert_eq!(found, left);
    }
    Ok(())
}

/// A table filled with a month of ten apps, and the database's own word on how it would read one.
#[expect(clippy::print_stdout, reason = "how long it takes is told, and not judged by a test")]
async fn a_month_of_samples_is_read_through_the_primary_key(bench: Bench) -> anyhow::Result<()> {
    let mut apps = Vec::new();
    for number in 0..10 {
        apps.push(bench.app(&format!("shop{number}")).await?);
    }
    for app in &apps {
        let month = (0..4320).map(|slot| (TEN, row(&app.id, TEN, slot * 600, 60)));
        bench.store.write_samples(&batch(month.collect())).await?;
    }
    let raw = bench.raw().await?;
    let plan = if bench.server.is_some() {
        sqlx::query("ANALYZE process_samples").execute(&raw).await?;
        "EXPLAIN "
    } else {
        "EXPLAIN QUERY PLAN "
    };
    let sql = include_str!("../../sql/samples/of_process.sql");
    let (since, until) = (at(0), at(4320 * 600));
    let sql = sql
        .replace("$1", &format!("'{}'", apps[3].id))
        .replace("$2", "600000")
        .replace("$3", &since.0.to_string())
        .replace("$4", &until.0.to_string())
        .replace("$5", "'web'");
    let explained =
        sqlx::query(sqlx::AssertSqlSafe(format!("{plan}{sql}"))).fetch_all(&raw).await?;
    let column = if bench.server.is_some() { "QUERY PLAN" } else { "detail" };
    let lines: Vec<String> =
        explained.iter().map(|line| sqlx::Row::get::<String, _>(line, column)).collect();
    let plan = lines.join("\n");
    assert!(plan.contains("sqlite_autoindex_process_samples") || plan.contains("_pkey"), "{plan}");
    assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN process_samples"), "{plan}");
    let began = std::time::Instant::now();
    let web = ProcessName::web();
    let history = bench.store.process_history(&apps[3].id, Some(&web), TEN, since, until).await?;
    assert_eq!(history.len(), 4320);
    println!("a month of one process was read in {:?}", began.elapsed());
    Ok(())
}

async fn traffic_of_every_app_is_read_at_once(bench: Bench) -> anyhow::Result<()> {
    let (shop, blog, gone) =
        (bench.app("shop").await?, bench.app("blog").await?, bench.app("gone").await?);
    let silent = ProcessSample { sample: Sample::over(FIVE.span()), ..row(&shop.id, FIVE, 70, 1) };
    let rows = vec![
        (MINUTE, row(&shop.id, MINUTE, -60, 5)),
        (MINUTE, row(&shop.id, MINUTE, 0, 60)),
        (FIVE, row(&shop.id, FIVE, 55, 5)),
        (FIVE, row(&shop.id, FIVE, 60, 6)),
        (FIVE, silent),
        (TEN, row(&shop.id, TEN, 0, 600)),
        (FIVE, row(&blog.id, FIVE, 60, 7)),
        (FIVE, row(&gone.id, FIVE, 60, 8)),
    ];
    bench.store.write_samples(&batch(rows)).await?;
    bench.store.tombstone_app(&gone.id, "ada@example.org").await?;
    let mut read = bench.store.traffic_of_all(at(0), at(60)).await?;
    read.sort_by_key(|(resolution, one)| (one.app_id == blog.id, *resolution));
    let expected = [
        (FIVE, row(&shop.id, FIVE, 60, 6)),
        (MINUTE, row(&shop.id, MINUTE, 0, 60)),
        (FIVE, row(&blog.id, FIVE, 60, 7)),
    ];
    assert_eq!(read, expected);
    Ok(())
}

async fn events_of_a_range_are_found_by_time(bench: Bench) -> anyhow::Result<()> {
    let (app, _other) = (bench.app("shop").await?, bench.app("blog").await?);
    let all = bench.store.events(Some(&app.id), 0, 10).await?;
    let happened = all[0].at;
    let between = async |from, to| bench.store.events_between(&app.id, from, to, 10).await;
    assert_eq!(between(happened, happened + Millis(1)).await?, all);
    assert!(between(happened + Millis(1), happened + Millis(9)).await?.is_empty());
    assert!(between(happened - Millis(9), happened).await?.is_empty());
    Ok(())
}
