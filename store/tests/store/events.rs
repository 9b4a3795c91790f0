use std::time::Duration;

use slipway_core::event::EventKind;
use slipway_store::{Store, StoreError, Topic};
use tokio::task::JoinSet;

use crate::bench::{Bench, counts};

on_both_databases!(
    a_reader_who_resumes_misses_nothing_while_many_write,
    the_events_of_one_app_are_its_own,
    the_newest_events_of_a_quiet_app_are_found_among_those_of_others,
    the_oldest_events_are_forgotten_first,
);

const WRITERS: u32 = 4;
const CHANGES: u32 = 10;

async fn a_reader_who_resumes_misses_nothing_while_many_write(bench: Bench) -> anyhow::Result<()> {
    let mut apps = Vec::new();
    for number in 0..WRITERS {
        let app = bench.app(&format!("app-{number}")).await?;
        bench.live(&app, "1").await?;
        apps.push(app);
    }
    let start = bench.store.last_event_id().await?;
    let mut writers = JoinSet::new();
    for app in apps {
        let store = bench.beside().await?;
        writers.spawn(async move {
            for number in 0..CHANGES {
                store.set_scale(&app.id, &counts(&[("web", number + 2)]), "ada").await?;
            }
            Ok::<_, StoreError>(())
        });
    }
    let seen = follow(&bench.store, start, (WRITERS * CHANGES) as usize).await?;
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    let expected: Vec<i64> = (start + 1..).take(seen.len()).collect();
    assert_eq!(seen, expected, "in order, and none that came late");
    assert_eq!(bench.store.last_event_id().await?, *seen.last().unwrap());
    Ok(())
}

/// Reads on from the last id seen, as streams do, until there are `wanted` events.
async fn follow(store: &Store, mut after: i64, wanted: usize) -> anyhow::Result<Vec<i64>> {
    let mut wake = store.wakes().subscribe(Topic::Events);
    let mut seen = Vec::new();
    let reading = async {
        while seen.len() < wanted {
            for event in store.events(None, after, 7).await? {
                after = event.id;
                seen.push(event.id);
            }
            wake.wait(Duration::from_millis(1)).await;
        }
        Ok::<_, StoreError>(())
    };
    tokio::time::timeout(Duration::from_mins(1), reading).await??;
    Ok(seen)
}

async fn the_events_of_one_app_are_its_own(bench: Bench) -> anyhow::Result<()> {
    let (one, two) = (bench.app("one").await?, bench.app("two").await?);
    let events = bench.store.events(Some(&two.id), 0, 10).await?;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].app, "two");
    assert_eq!(events[0].kind, EventKind::AppCreated { by: two.created_by });
    assert_eq!(bench.store.events(Some(&one.id), events[0].id, 10).await?, []);
    assert_eq!(bench.store.events(None, 0, 10).await?.len(), 2);
    Ok(())
}

async fn the_newest_events_of_a_quiet_app_are_found_among_those_of_others(
    bench: Bench,
) -> anyhow::Result<()> {
    let (quiet, busy) = (bench.app("quiet").await?, bench.app("busy").await?);
    bench.live(&quiet, "1").await?;
    bench.live(&busy, "1").await?;
    for count in 2..7 {
        bench.store.set_scale(&busy.id, &counts(&[("web", count)]), "ada").await?;
    }
    let all = bench.store.events(Some(&quiet.id), 0, 100).await?;
    assert_eq!(bench.store.newest_events(Some(&quiet.id), 3).await?, all[all.len() - 3..]);
    assert_eq!(bench.store.newest_events(Some(&quiet.id), 100).await?, all);
    let last = bench.store.last_event_id().await?;
    let ids = bench.store.newest_events(None, 3).await?.into_iter().map(|event| event.id);
    assert_eq!(ids.collect::<Vec<_>>(), [last - 2, last - 1, last]);
    Ok(())
}

async fn the_oldest_events_are_forgotten_first(bench: Bench) -> anyhow::Result<()> {
    for number in 0..5 {
        bench.app(&format!("app-{number}")).await?;
    }
    assert_eq!(bench.store.prune_events(2).await?, 3);
    let left = bench.store.events(None, 0, 10).await?;
    assert_eq!(left.iter().map(|event| event.app.as_str()).collect::<Vec<_>>(), ["app-3", "app-4"]);
    let last = bench.store.last_event_id().await?;
    bench.app("newer").await?;
    assert_eq!(bench.store.last_event_id().await?, last + 1, "numbers are not used again");
    Ok(())
}
