//! What is stored of looks, on a real database.

use slipway_core::id::Id;
use slipway_core::metric::Metric;
use slipway_core::sample::Traffic;
use slipway_store::StoreSettings;
use tempfile::TempDir;

use super::*;
use crate::metrics::live::{InstanceLook, ProcessLook};

/// The beginning of ten minutes.
const BEGIN: Timestamp = Timestamp(1_795_640_400_000);

struct Rig {
    store: Store,
    app_id: AppId,
    _folder: TempDir,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
        let store = Store::open(&StoreSettings { url, max_connections: 4 }).await.unwrap();
        let app = store.create_app(&"shop".parse().unwrap(), "ada@example.org").await.unwrap();
        Self { store, app_id: app.id, _folder: folder }
    }

    /// One request in the second before.
    fn look(&self, second: u64) -> Look {
        let traffic = Traffic { responses: [0, 1, 0, 0, 0], ..Traffic::default() };
        let sample = Sample::over(Millis(1000)).with_traffic(traffic);
        let (app_id, process) = (self.app_id.clone(), ProcessName::web());
        let instance = InstanceLook {
            app_id: app_id.clone(),
            id: InstanceId::from_bits(1),
            process: process.clone(),
            ready_since: None,
            in_proxy: true,
            sample: sample.clone(),
        };
        Look {
            at: BEGIN + Millis(second * 1000),
            instances: vec![instance],
            processes: vec![ProcessLook { app_id, process, sample }],
            host: HostSample::over(Millis(1000)),
        }
    }

    async fn watch(&self, recorder: &mut Recorder, seconds: std::ops::RangeInclusive<u64>) {
        for second in seconds {
            let look = self.look(second);
            let now = look.at;
            recorder.take(look);
            recorder.write(now).await.unwrap();
        }
    }

    async fn stored(&self, resolution: Resolution) -> Vec<(u64, f64)> {
        let until = BEGIN + Millis::from_secs(3600);
        let rows = self.store.stored_processes(&self.app_id, None, resolution, BEGIN, until);
        let told = |row: ProcessSample| {
            let traffic = row.sample.traffic.as_ref().unwrap();
            assert_eq!(Metric::Rps.value(&row.sample), Some(1.0), "{row:?}");
            (row.at.since(BEGIN).0 / 1000, traffic.over.as_duration().as_secs_f64())
        };
        rows.await.unwrap().into_iter().map(told).collect()
    }
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_minute_leaves_no_trace_in_it() {
    let rig = Rig::new().await;
    let mut before = Recorder::resume(rig.store.clone(), BEGIN).await.unwrap();
    rig.watch(&mut before, 1..=33).await;
    before.finish(BEGIN + Millis(33_000)).await.unwrap();
    drop(before);
    let mut after = Recorder::resume(rig.store.clone(), BEGIN + Millis(33_200)).await.unwrap();
    rig.watch(&mut after, 34..=61).await;
    let fives: Vec<(u64, f64)> = (0..12).map(|slot| (slot * 5, 5.0)).collect();
    assert_eq!(rig.stored(Resolution::FiveSeconds).await, fives);
    assert_eq!(rig.stored(Resolution::Minute).await, [(0, 60.0)]);
    let instances =
        rig.store.stored_instances(&rig.app_id, Resolution::Minute, BEGIN, BEGIN + Millis(60_000));
    assert_eq!(instances.await.unwrap()[0].sample.span, Millis(60_000));
    let host = rig.store.stored_host(Resolution::Minute, BEGIN, BEGIN + Millis(60_000));
    assert_eq!(host.await.unwrap()[0].1.span, Millis(60_000));
}

#[tokio::test]
async fn a_kill_costs_the_interval_under_way_and_nothing_else() {
    let rig = Rig::new().await;
    let mut before = Recorder::resume(rig.store.clone(), BEGIN).await.unwrap();
    rig.watch(&mut before, 1..=33).await;
    drop(before);
    let mut after = Recorder::resume(rig.store.clone(), BEGIN + Millis(33_200)).await.unwrap();
    rig.watch(&mut after, 34..=61).await;
    assert_eq!(rig.stored(Resolution::Minute).await, [(0, 57.0)]);
}

#[tokio::test]
async fn what_ended_while_nobody_watched_is_rolled_up_afterwards() {
    let rig = Rig::new().await;
    let mut before = Recorder::resume(rig.store.clone(), BEGIN).await.unwrap();
    rig.watch(&mut before, 1..=595).await;
    before.finish(BEGIN + Millis(595_000)).await.unwrap();
    let later = BEGIN + Millis(1_500_000);
    let mut after = Recorder::resume(rig.store.clone(), later).await.unwrap();
    after.write(later).await.unwrap();
    assert_eq!(rig.stored(Resolution::TenMinutes).await, [(0, 595.0)]);
    assert_eq!(rig.stored(Resolution::Minute).await.len(), 10);
}
