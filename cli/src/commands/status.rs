//! `slipway status`

use slipway_client::ServerUrl;
use slipway_core::wire::status::{ServerStatus, TaskHealth, TaskRound};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table, facts};
use crate::view::{Tone, View, word};

/// Show how the server and its parts are
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway status
  slipway status --json")]
pub struct Args {}

pub async fn run(invocation: &Invocation, Args {}: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let status = client.status().await?;
    invocation.printer.show(&status, |view| render(view, client.server(), &status))
}

fn render(view: &View, server: &ServerUrl, status: &ServerStatus) -> String {
    let ails = |task: &&TaskRound| task.health(status.now) != TaskHealth::Well;
    let ailing: Vec<&TaskRound> = status.tasks.iter().filter(ails).collect();
    let well = ailing.is_empty() && status.components.iter().all(|component| component.ok);
    let verdict =
        if well { view.paint(Tone::Good, "well") } else { view.paint(Tone::Bad, "in trouble") };
    let claimed = if status.claimed { "" } else { "  (not claimed)" };
    let pairs = [
        ("version", word(&status.version)),
        ("database", word(&status.database)),
        ("installation", format!("{}{claimed}", word(&status.installation))),
        ("apps", status.apps.to_string()),
        ("jobs", format!("{} running, {} queued", status.jobs_running, status.jobs_queued)),
        ("tasks", tasks(status.tasks.len(), ailing.len())),
    ];
    let mut table = Table::new(["PART", "STATE", "SEEN", "WHAT"]);
    for component in &status.components {
        let (tone, state) = if component.ok { (Tone::Good, "ok") } else { (Tone::Bad, "failing") };
        table.row([
            component.name.as_str().into(),
            Cell::toned(tone, state),
            format!("{} ago", component.age_ms).into(),
            component.message.as_str().into(),
        ]);
    }
    for task in ailing {
        let state = if task.health(status.now) == TaskHealth::Late { "late" } else { "failing" };
        let cause = task.error.as_deref().unwrap_or("its next round is overdue");
        table.row([
            task.name.as_str().into(),
            Cell::toned(Tone::Bad, state),
            format!("{} ago", status.now.since(task.ended_at)).into(),
            cause.into(),
        ]);
    }
    let server = view.paint(Tone::Strong, &server.to_string());
    format!("{server} is {verdict}\n{}\n{}", facts(view, &pairs), table.render(view))
}

fn tasks(all: usize, ailing: usize) -> String {
    match ailing {
        0 => format!("{all} go round"),
        _ => format!("{} go round, {ailing} in trouble", all - ailing),
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::time::Millis;
    use slipway_core::wire::status::ComponentStatus;

    use super::*;
    use crate::testing::{self, NOW, PLAIN, TERMINAL, visible};

    #[test]
    fn a_failing_part_is_seen_at_once() {
        let part = |name: &str, ok, message: &str| ComponentStatus {
            name: name.to_owned(),
            ok,
            message: message.to_owned(),
            age_ms: testing::seconds(2),
        };
        let task = |name: &str, failures: u32, error: Option<&str>| TaskRound {
            name: name.to_owned(),
            ended_at: NOW - testing::seconds(2),
            took_ms: Millis(3),
            interval_ms: testing::seconds(5),
            failures,
            error: error.map(ToOwned::to_owned),
        };
        let status = ServerStatus {
            version: "0.1.0".to_owned(),
            installation: "ins_1".to_owned(),
            database: "sqlite".to_owned(),
            claimed: true,
            components: vec![
                part("database", true, "SQLite 3.46"),
                part("docker", false, "the daemon does not answer"),
            ],
            tasks: vec![task("alerts", 0, None), task("drains", 3, Some("the disk is full"))],
            apps: 3,
            jobs_queued: 0,
            jobs_running: 1,
            now: NOW,
        };
        let server: ServerUrl = "localhost:8080".parse().unwrap();
        insta::assert_snapshot!("status", render(&PLAIN, &server, &status));
        insta::assert_snapshot!(
            "status_on_a_terminal",
            visible(&render(&TERMINAL, &server, &status))
        );
        insta::assert_json_snapshot!("status_as_json", status);
    }
}
