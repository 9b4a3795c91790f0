//! Who may import whom, and how files are named and sized: the second guard behind Cargo's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use slipway_tests::program::of_this_crate;

/// Each member's folder, and the members it may build on.
const LAYERS: [(&str, &[&str]); 8] = [
    ("core", &[]),
    ("store", &["slipway-core"]),
    ("api/client", &["slipway-core"]),
    ("api", &["slipway-core", "slipway-store"]),
    ("worker", &["slipway-core", "slipway-store"]),
    ("web", &["slipway-core", "slipway-client"]),
    ("cli", &["slipway-core", "slipway-client"]),
    ("tests", &["slipway-core", "slipway-client"]),
];

/// Crates with few homes: the members that may depend on them.
const HOMES: [(&str, &[&str]); 6] = [
    ("sqlx", &["store"]),
    ("bollard", &["worker"]),
    ("reqwest", &["api/client", "worker"]),
    ("jsonwebtoken", &["api"]),
    ("axum", &["api", "web", "deploy"]),
    ("clap", &["cli", "deploy"]),
];

/// Paths of code, and the only places it may stand in.
const PLACES: [(&str, &[&str]); 5] = [
    ("bollard::", &["worker/src/engine/docker"]),
    ("sqlx::", &["store/src"]),
    (
        "reqwest::",
        &["api/client/src", "worker/src/health", "worker/src/outbound", "worker/src/telemetry"],
    ),
    ("jsonwebtoken::", &["api/src/auth"]),
    ("env::var(", &["deploy/src/config.rs", "cli/src/config.rs"]),
];

/// What `core` may use: no clock, no environment, no I/O can hide in these.
const PURE: [&str; 5] = ["serde", "serde_json", "thiserror", "idna", "utoipa"];

const LONGEST_FILE: usize = 400;
const VAGUE_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "misc"];
const OURS: [&str; 6] = ["rs", "lua", "sql", "sh", "py", "toml"];
const NOT_OURS: [&str; 4] = [".git", ".slipway", "target", "node_modules"];

fn repository() -> PathBuf {
    of_this_crate("..")
}

/// The repository's text files, by their path inside it.
fn files() -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    collect(&repository(), &mut files)?;
    assert!(files.len() > 50, "the repository was found");
    Ok(files)
}

fn collect(folder: &Path, files: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if NOT_OURS.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| OURS.iter().any(|ours| end == *ours)) {
            let inside = path.strip_prefix(repository())?.to_string_lossy().into_owned();
            files.insert(inside, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

fn manifest(folder: &str) -> anyhow::Result<toml::Table> {
    let manifest = repository().join(folder).join("Cargo.toml");
    Ok(fs::read_to_string(manifest)?.parse()?)
}

fn dependencies(member: &str) -> anyhow::Result<BTreeSet<String>> {
    let manifest = manifest(member)?;
    let dependencies = manifest["dependencies"].as_table().context("a table")?;
    Ok(dependencies.keys().cloned().collect())
}

fn members() -> anyhow::Result<Vec<String>> {
    let manifest = manifest(".")?;
    let members = manifest["workspace"]["members"].as_array().context("a list")?;
    Ok(members.iter().filter_map(|member| member.as_str()).map(str::to_owned).collect())
}

#[test]
fn members_build_on_lower_layers_alone() -> anyhow::Result<()> {
    for (member, allowed) in LAYERS {
        let ours = dependencies(member)?.into_iter().filter(|name| name.starts_with("slipway-"));
        let above: Vec<_> = ours.filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(above.is_empty(), "{member} builds on {above:?}");
    }
    let with_layer: BTreeSet<_> = LAYERS.iter().map(|(member, _)| (*member).to_owned()).collect();
    let mut members: BTreeSet<_> = members()?.into_iter().collect();
    assert!(members.remove("deploy"), "the composition root may use everything");
    assert_eq!(members, with_layer, "every member has its layer");
    Ok(())
}

#[test]
fn core_is_pure() -> anyhow::Result<()> {
    let core = dependencies("core")?;
    let impure: Vec<_> = core.iter().filter(|name| !PURE.contains(&name.as_str())).collect();
    assert!(impure.is_empty(), "core depends on {impure:?}");
    Ok(())
}

#[test]
fn crates_stay_in_their_homes() -> anyhow::Result<()> {
    for member in members()? {
        let dependencies = dependencies(&member)?;
        for (name, homes) in HOMES {
            let strays = dependencies.contains(name) && !homes.contains(&member.as_str());
            assert!(!strays, "{member} depends on {name}, which lives in {homes:?}");
        }
    }
    Ok(())
}

#[test]
fn code_stays_in_its_places() -> anyhow::Result<()> {
    let files = files()?;
    for (path, text) in files.iter().filter(|(path, _)| path.contains("/src/")) {
        for (code, places) in PLACES {
            let strays = text.contains(code) && !places.iter().any(|place| path.starts_with(place));
            assert!(!strays, "{path} names `{code}`, which stands in {places:?}");
        }
    }
    Ok(())
}

#[test]
fn no_program_of_the_host_is_started_through_a_shell() -> anyhow::Result<()> {
    for (path, text) in files()?.iter().filter(|(path, _)| path.contains("/src/")) {
        for shell in ["sh", "bash", "/bin/sh", "/bin/bash"] {
            let call = format!("Command::new(\"{shell}\")");
            assert!(!text.contains(&call), "{path} starts a shell");
        }
    }
    Ok(())
}

#[test]
fn files_are_one_noun_long_and_named_for_it() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for (path, text) in files()? {
        let name = Path::new(&path).file_stem().unwrap_or_default().to_string_lossy();
        if name == "mod" || VAGUE_NAMES.contains(&name.as_ref()) {
            faults.push(format!("{path}: name it for the noun it holds"));
        }
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            faults.push(format!("{path}: {lines} lines, split it by noun"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(())
}

#[test]
fn every_member_takes_the_lints_of_the_house() -> anyhow::Result<()> {
    for member in members()? {
        let manifest = manifest(&member)?;
        let inherited = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(inherited.and_then(toml::Value::as_bool), Some(true), "{member}");
    }
    Ok(())
}
