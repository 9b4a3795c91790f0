//! The last readings of everything, in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use slipway_core::id::{AppId, InstanceId};
use slipway_core::name::ProcessName;
use slipway_core::sample::{HostSample, Sample};
use slipway_core::time::{Millis, Timestamp};
use tokio::sync::watch;

/// How far back readings are kept.
pub const WINDOW: Millis = Millis::from_secs(90);

/// What one subject did between two looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// When the interval ended: when it was looked at.
    pub at: Timestamp,
    pub sample: Sample,
}

/// The readings of one instance, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceSeries {
    pub id: InstanceId,
    pub process: ProcessName,
    /// Since when it is ready; `None` while it is not.
    pub ready_since: Option<Timestamp>,
    /// Whether the proxy sends it requests.
    pub in_proxy: bool,
    pub readings: Vec<Reading>,
}

/// The readings of all instances of a process together, oldest first. Unlike the sum of its
/// instances' they have the requests that no instance answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSeries {
    pub process: ProcessName,
    pub readings: Vec<Reading>,
}

/// What the host did between two looks.
#[derive(Debug, Clone, PartialEq)]
pub struct HostReading {
    /// When it was looked at.
    pub at: Timestamp,
    pub sample: HostSample,
}

/// One look at everything.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    pub at: Timestamp,
    pub instances: Vec<InstanceLook>,
    pub processes: Vec<ProcessLook>,
    pub host: HostSample,
}

/// One instance as it was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceLook {
    pub app_id: AppId,
    pub id: InstanceId,
    pub process: ProcessName,
    pub ready_since: Option<Timestamp>,
    pub in_proxy: bool,
    pub sample: Sample,
}

/// One process as it was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessLook {
    pub app_id: AppId,
    pub process: ProcessName,
    pub sample: Sample,
}

/// The last readings. Clones share them; the monitor writes, everybody may read.
#[derive(Debug, Clone)]
pub struct Live(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    window: RwLock<Window>,
    ticks: watch::Sender<Timestamp>,
}

#[derive(Debug, Default)]
struct Window {
    apps: BTreeMap<AppId, AppWindow>,
    host: VecDeque<HostReading>,
}

#[derive(Debug, Default)]
struct AppWindow {
    instances: BTreeMap<InstanceId, InstanceWindow>,
    processes: BTreeMap<ProcessName, VecDeque<Reading>>,
}

#[derive(Debug)]
struct InstanceWindow {
    process: ProcessName,
    ready_since: Option<Timestamp>,
    in_proxy: bool,
    readings: VecDeque<Reading>,
}

impl Default for Live {
    fn default() -> Self {
        let ticks = watch::Sender::new(Timestamp::default());
        Self(Arc::new(Shared { window: RwLock::default(), ticks }))
    }
}

impl Live {
    /// The app's instances that run, each with its readings.
    pub fn of_app(&self, app_id: &AppId) -> Vec<InstanceSeries> {
        self.read(|window| {
            let app = window.apps.get(app_id);
            let instances = app.into_iter().flat_map(|app| &app.instances);
            instances.map(|(id, instance)| instance.series(id)).collect()
        })
    }

    /// The app's processes, also those without an instance, each with its readings.
    pub fn processes_of(&self, app_id: &AppId) -> Vec<ProcessSeries> {
        self.read(|window| {
            let app = window.apps.get(app_id);
            let processes = app.into_iter().flat_map(|app| &app.processes);
            let series = |(process, readings): (&ProcessName, &VecDeque<Reading>)| ProcessSeries {
                process: process.clone(),
                readings: readings.iter().cloned().collect(),
            };
            processes.map(series).collect()
        })
    }

    /// The host's last reading; `None` before the first.
    pub fn host(&self) -> Option<HostReading> {
        self.read(|window| window.host.back().cloned())
    }

    /// The host's readings, oldest first.
    pub fn host_readings(&self) -> Vec<HostReading> {
        self.read(|window| window.host.iter().cloned().collect())
    }

    /// Tells when there are new readings: changes to the time of each look.
    pub fn subscribe(&self) -> watch::Receiver<Timestamp> {
        self.0.ticks.subscribe()
    }

    /// Takes a look in. What it does not have any more is gone; what is older than the window goes.
    pub fn take(&self, look: Look) {
        let at = look.at;
        {
            let mut window = self.0.window.write().unwrap_or_else(PoisonError::into_inner);
            window.take(look);
        }
        self.0.ticks.send_replace(at);
    }

    fn read<T>(&self, ask: impl FnOnce(&Window) -> T) -> T {
        ask(&self.0.window.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Window {
    fn take(&mut self, look: Look) {
        let (at, oldest) = (look.at, look.at - WINDOW);
        let mut before = std::mem::take(&mut self.apps);
        for one in look.processes {
            let earlier = before.get_mut(&one.app_id);
            let mut readings =
                earlier.and_then(|app| app.processes.remove(&one.process)).unwrap_or_default();
            push(&mut readings, Reading { at, sample: one.sample }, oldest);
            let app = self.apps.entry(one.app_id).or_default();
            app.processes.insert(one.process, readings);
        }
        for one in look.instances {
            let earlier = before.get_mut(&one.app_id).and_then(|app| app.instances.remove(&one.id));
            let mut readings = earlier.map(|instance| instance.readings).unwrap_or_default();
            push(&mut readings, Reading { at, sample: one.sample }, oldest);
            let (process, ready_since, in_proxy) = (one.process, one.ready_since, one.in_proxy);
            let app = self.apps.entry(one.app_id).or_default();
            let window = InstanceWindow { process, ready_since, in_proxy, readings };
            app.instances.insert(one.id, window);
        }
        self.host.retain(|earlier| earlier.at < at && earlier.at >= oldest);
        self.host.push_back(HostReading { at, sample: look.host });
    }
}

fn push(readings: &mut VecDeque<Reading>, reading: Reading, oldest: Timestamp) {
    // A clock that was set back would keep readings of the future for ever.
    readings.retain(|earlier| earlier.at < reading.at && earlier.at >= oldest);
    readings.push_back(reading);
}

impl InstanceWindow {
    fn series(&self, id: &InstanceId) -> InstanceSeries {
        InstanceSeries {
            id: id.clone(),
            process: self.process.clone(),
            ready_since: self.ready_since,
            in_proxy: self.in_proxy,
            readings: self.readings.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    fn look(seconds: i64, instances: &[u128]) -> Look {
        let app_id = AppId::from_bits(1);
        let sample = Sample::over(Millis(2000));
        let instance = |number: &u128| InstanceLook {
            app_id: app_id.clone(),
            id: InstanceId::from_bits(*number),
            process: ProcessName::web(),
            ready_since: Some(Timestamp(0)),
            in_proxy: true,
            sample: sample.clone(),
        };
        let process = ProcessLook {
            app_id: app_id.clone(),
            process: ProcessName::web(),
            sample: sample.clone(),
        };
        Look {
            at: Timestamp(seconds * 1000),
            instances: instances.iter().map(instance).collect(),
            processes: vec![process],
            host: HostSample::default(),
        }
    }

    fn readings(live: &Live) -> Vec<usize> {
        let series = live.of_app(&AppId::from_bits(1));
        series.iter().map(|instance| instance.readings.len()).collect()
    }

    #[test]
    fn a_minute_of_readings_is_there_and_not_much_more() {
        let live = Live::default();
        for second in (0..300).step_by(2) {
            live.take(look(second, &[1]));
        }
        assert_eq!(readings(&live), [46]);
        let process = &live.processes_of(&AppId::from_bits(1))[0];
        assert_eq!(process.readings[0].at, Timestamp(298_000) - WINDOW);
        assert_eq!(live.host_readings().len(), 46);
    }

    #[test]
    fn an_instance_that_is_gone_takes_its_readings_along() {
        let live = Live::default();
        live.take(look(0, &[1, 2]));
        live.take(look(2, &[2]));
        assert_eq!(readings(&live), [2]);
        live.take(look(4, &[1, 2]));
        assert_eq!(readings(&live), [1, 3]);
    }

    #[test]
    fn a_clock_that_is_set_back_leaves_no_reading_of_the_future() {
        let live = Live::default();
        live.take(look(1000, &[1]));
        live.take(look(10, &[1]));
        assert_eq!(readings(&live), [1]);
    }

    #[tokio::test]
    async fn whoever_subscribed_hears_of_every_look() {
        let live = Live::default();
        let mut ticks = live.clone().subscribe();
        live.take(look(2, &[]));
        ticks.changed().await.unwrap();
        assert_eq!(*ticks.borrow(), Timestamp(2000));
        assert_eq!(live.host().unwrap().at, Timestamp(2000));
    }
}
