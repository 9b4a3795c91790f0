//! Docker as an operator sees it: its own command line, beside and behind Slipway's back.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, ensure};

/// Runs a `docker` command and returns what it prints, without the last line end.
///
/// # Errors
/// When the command fails, with its complaint.
pub fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("docker").args(arguments).output().context("running docker")?;
    ensure!(
        output.status.success(),
        "`docker {}` failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// What of an installation is in the daemon: its containers, running or not, its networks and the
/// images it built.
///
/// # Errors
/// When Docker does not answer.
pub fn belongings(installation: &str) -> anyhow::Result<BTreeSet<String>> {
    let filter = format!("label=slipway.installation={installation}");
    let mut found = BTreeSet::new();
    for (kind, list) in [
        ("container", ["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"].as_slice()),
        ("network", &["network", "ls", "--filter", &filter, "--format", "{{.Name}}"]),
        ("image", &["images", "--filter", &filter, "--format", "{{.ID}}"]),
    ] {
        let names = docker(list)?;
        let names = names.lines().filter(|name| kind != "network" || !is_lost(name));
        found.extend(names.map(|name| format!("{kind} {name}")));
    }
    Ok(found)
}

/// Whether Docker keeps a network for an endpoint that it lost track of (moby/moby#42119): nobody can
/// remove it before the daemon starts anew.
fn is_lost(network: &str) -> bool {
    let on_it = docker(&["network", "inspect", "--format", "{{len .Containers}}", network]);
    let removed = || docker(&["network", "rm", network]);
    on_it.is_ok_and(|count| count == "0")
        && removed().is_err_and(|error| error.to_string().contains("has active endpoints"))
}

/// The names of the running containers that are instances of an app.
///
/// # Errors
/// When Docker does not answer.
pub fn instances(installation: &str, app: &str) -> anyhow::Result<BTreeSet<String>> {
    let names = docker(&[
        "ps",
        "--filter",
        &format!("label=slipway.installation={installation}"),
        "--filter",
        "label=slipway.role=instance",
        "--filter",
        &format!("name=^sw-{app}-"),
        "--format",
        "{{.Names}}",
    ])?;
    Ok(names.lines().map(str::to_owned).collect())
}
