//! Views and wire values for the snapshots of what the commands print.

use slipway_core::deployment::{DeploymentKind, DeploymentState};
use slipway_core::id::{DeploymentId, Id};
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::app::{AppHealth, AppInfo, AppSummary};
use slipway_core::wire::deployment::DeploymentInfo;
use slipway_core::wire::process::ProcessInfo;
use slipway_core::wire::release::{Differences, ReleaseSummary};

use crate::view::View;

/// 2026-01-05T14:03:22Z.
pub const NOW: Timestamp = Timestamp(1_767_621_802_000);
/// As in a pipe.
pub const PLAIN: View = View { terminal: false, colour: false, width: None, now: NOW };
/// As on a terminal of 100 columns.
pub const TERMINAL: View = View { terminal: true, colour: true, width: Some(100), now: NOW };

/// Text with its control characters spelled out, so that a snapshot shows them.
pub fn visible(text: &str) -> String {
    text.replace('\x1b', "␛").replace('\x07', "␇")
}

/// So many minutes before [`NOW`].
pub fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp(NOW.0 - minutes * 60_000)
}

/// An app with a live release.
pub fn summary(name: &str, health: AppHealth) -> AppSummary {
    AppSummary {
        name: name.parse().unwrap(),
        url: format!("http://{name}.localhost:8080"),
        health,
        version: Some(42),
        source: Some("3f2a9c1 fix the cart".to_owned()),
        ready: 3,
        wanted: 3,
        deployed_at: Some(minutes_ago(5)),
        created_at: minutes_ago(3 * 24 * 60),
    }
}

/// An app to which nothing was deployed.
pub fn empty(name: &str) -> AppSummary {
    AppSummary {
        version: None,
        source: None,
        ready: 0,
        wanted: 0,
        deployed_at: None,
        ..summary(name, AppHealth::Empty)
    }
}

/// An app with two processes.
pub fn app() -> AppInfo {
    let process = |name: &str, command: &str, wanted, ready| ProcessInfo {
        name: name.parse().unwrap(),
        command: command.to_owned(),
        wanted,
        ready,
    };
    AppInfo {
        summary: summary("shop", AppHealth::Healthy),
        domains: ["shop.example.com", "www.example.com"].map(|name| name.parse().unwrap()).into(),
        git_url: "http://localhost:8080/git/shop.git".to_owned(),
        deploy_branch: "main".to_owned(),
        processes: vec![
            process("web", "gunicorn shop.wsgi -b 0.0.0.0:$PORT", 2, 2),
            process("worker", "celery -A shop worker", 1, 1),
        ],
        latest_deployment: Some(deployment(12, DeploymentState::Succeeded)),
    }
}

/// A push of `shop`.
pub fn deployment(sequence: u32, state: DeploymentState) -> DeploymentInfo {
    DeploymentInfo {
        id: DeploymentId::from_bits(sequence.into()),
        app: "shop".parse().unwrap(),
        sequence,
        kind: DeploymentKind::Push,
        version: Some(42),
        source: Some("3f2a9c1 fix the cart".to_owned()),
        hint: None,
        description: "push 3f2a9c1".to_owned(),
        created_by: "ada@example.com".to_owned(),
        created_at: minutes_ago(6),
        finished_at: state.is_terminal().then(|| Timestamp(minutes_ago(6).0 + 8_400)),
        state,
        receipt: None,
    }
}

/// A release of `shop` that was stable.
pub fn release(version: u32) -> ReleaseSummary {
    ReleaseSummary {
        version,
        description: "push 3f2a9c1".to_owned(),
        source: Some("3f2a9c1 fix the cart".to_owned()),
        created_by: "ada@example.com".to_owned(),
        created_at: minutes_ago(i64::from(100 - version)),
        live: false,
        stable: true,
        pinned: false,
        image_kept: true,
        copy_of: None,
    }
}

/// Differences of every kind.
pub fn differences() -> Differences {
    let keys = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    Differences {
        from_version: 42,
        to_version: 41,
        code: Some(("3f2a9c1 fix the cart".to_owned(), "1b2c3d4 add the cart".to_owned())),
        config_added: keys(&["OLD_KEY"]),
        config_removed: keys(&["NEW_KEY", "NEWER_KEY"]),
        config_changed: keys(&["DATABASE_URL"]),
        processes: vec!["web: command changed".to_owned()],
    }
}

/// A span in whole seconds.
pub fn seconds(seconds: u64) -> Millis {
    Millis::from_secs(seconds)
}
