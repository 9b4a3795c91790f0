//! Who sleeps, and whom requests wait for.

use std::collections::BTreeSet;

use slipway_core::id::{AppId, Id as _};

use super::ProxyError;
use super::control::{Control, unexpected};

const PATH: &str = "/sleepers";

/// Tells nginx which apps may sleep and returns those of them that requests wait for: at once when
/// there are some, after a second without. Each is told again every second for as long as requests
/// wait for it.
pub(super) async fn wanted(
    control: &Control,
    sleepers: &BTreeSet<AppId>,
) -> Result<BTreeSet<AppId>, ProxyError> {
    let lines = sleepers.iter().fold(String::new(), |lines, app| lines + app.as_str() + "\n");
    let answer = control.put(PATH, 0, &lines).await?;
    let read = || answer.body.lines().map(|line| line.parse().ok()).collect();
    let wanted: Option<BTreeSet<AppId>> = if answer.status == 200 { read() } else { None };
    wanted.ok_or_else(|| unexpected(PATH, &answer.body))
}
