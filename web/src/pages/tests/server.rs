//! The server's page.

use slipway_core::time::Millis;
use slipway_core::wire::metrics::HostMetrics;
use slipway_core::wire::status::{ComponentStatus, ServerStatus, TaskRound};

use super::fixtures::NOW;
use super::{HOSTILE, assert_nothing_ran, count, render, signed_in};
use crate::pages::server::ServerPage;

fn round(name: &str, seconds_ago: u64, failures: u32, error: Option<&str>) -> TaskRound {
    TaskRound {
        name: name.to_owned(),
        ended_at: NOW - Millis::from_secs(seconds_ago),
        took_ms: Millis(3),
        interval_ms: Millis::from_secs(5),
        failures,
        error: error.map(ToOwned::to_owned),
    }
}

fn page(tasks: Vec<TaskRound>) -> String {
    let status = ServerStatus {
        version: "0.1.0".to_owned(),
        installation: "ins_1".to_owned(),
        database: "sqlite".to_owned(),
        claimed: true,
        components: vec![ComponentStatus {
            name: "proxy".to_owned(),
            ok: true,
            message: "nginx answers".to_owned(),
            age_ms: Millis(2_000),
        }],
        tasks,
        apps: 1,
        jobs_queued: 0,
        jobs_running: 2,
        now: NOW,
    };
    let host = HostMetrics { times: Vec::new(), step_ms: Millis(60_000), series: Vec::new() };
    render(signed_in, &ServerPage::new(&status, &host, None))
}

#[test]
fn every_task_says_how_its_last_round_went() {
    let html = page(vec![
        round("instances", 2, 0, None),
        round("drains", 2, 3, Some("the disk is full")),
        round("janitor", 600, 0, None),
        round("of a newer worker", 1, 1, Some(HOSTILE)),
    ]);
    assert_nothing_ran(&html);
    assert_eq!(count(&html, ">Works<"), 2, "nginx and one task: {html}");
    assert_eq!(count(&html, ">Fails<"), 2);
    assert_eq!(count(&html, ">Hangs<"), 1);
    for text in [
        "Instances",
        "a round takes 3 ms",
        "the disk is full (3 times in a row)",
        "Clearing away",
        "10 min ago",
        "of a newer worker",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn before_the_worker_said_anything_there_is_no_empty_list() {
    assert!(page(Vec::new()).contains("has not told yet how its tasks go"));
}
