//! The documents: the reference of all measurements, and what keeps every page honest. The commands
//! themselves are typed in `e2e/docs.rs`.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::ensure;
use slipway_core::autoscale::is_scalable;
use slipway_core::manifest::Manifest;
use slipway_core::metric::Metric;
use slipway_core::telemetry::{Kind, Unit, catalogue};
use slipway_tests::Page;
use slipway_tests::documents::is_up_to_date;
use slipway_tests::program::of_this_crate;

type Outcome = anyhow::Result<()>;

const WRITABLE: &str = "a text can be written to";

/// Blocks that nobody types, by their first line, and why.
const NOT_TYPED: [(&str, &str, &str); 13] = [
    ("README.md", "$ git push slipway main", "a picture; `push.rs` pushes that very app"),
    ("README.md", MAKE, "changes the machine"),
    ("README.md", "slipway login http://localhost:8081", "asks for a password on a terminal"),
    ("docs/quick-start.md", "make up", "changes the machine"),
    ("docs/quick-start.md", PATH, "the programs under test are on the path"),
    ("docs/quick-start.md", "make down", "changes the machine"),
    ("docs/django.md", CREATE_SUPERUSER, "asks for a password on a terminal"),
    ("docs/operations.md", "make build", "changes the machine, and needs systemd"),
    ("docs/operations.md", CLAIM, "happens once; every test's installation was claimed like this"),
    ("docs/operations.md", "systemctl stop slipway", "systemd; `backup.rs` restores the same way"),
    ("docs/operations.md", API, "runs until it is stopped; `roles.rs` runs these three"),
    ("docs/alerts.md", SLACK, "leads to receivers that are not ours"),
    ("docs/alerts.md", "slipwayd run --allow-outbound 10.1.2.0/24", "runs until it is stopped"),
];
const MAKE: &str = "make up      # installs Docker and nginx, builds, starts Slipway, deploys a sample \
    Django app by a real git push";
const PATH: &str = "export PATH=\"$PWD/target/release:$PATH\"";
const CREATE_SUPERUSER: &str = "slipway run python manage.py createsuperuser";
const CLAIM: &str = "slipway login https://slipway.example.com --claim TOKEN";
const API: &str =
    "slipwayd api    --database postgres://slipway@db.internal/slipway --trusted-proxy 127.0.0.1";
const SLACK: &str = "slipway alerts channels add chat slack - < address.txt";

/// Languages of blocks that are for reading, whatever is in them.
const DATA: [&str; 5] = ["toml", "json", "yaml", "python", "ini"];

fn metrics() -> String {
    let mut page = "\
# Metrics

Written by `make docs` from the code. The first table has the names that `slipway metrics`, alerts and
the autoscaler know; the second one the series of `GET /metrics`, for Prometheus and OpenTelemetry.

## Names

What could not be measured is absent, and never 0. A metric with a dot can be a target of `slipway
autoscale`; those of the host are for `slipway alerts --host`.

| name | unit | autoscale | what |
|---|---|---|---|
"
    .to_owned();
    let custom = Metric::Custom("NAME".parse().expect("it is a name"));
    for metric in Metric::ALL.into_iter().chain([custom]) {
        let scalable = if is_scalable(&metric) { "•" } else { "" };
        let (unit, meaning) = (metric.unit().title(), metric.meaning());
        writeln!(page, "| `{metric}` | {unit} | {scalable} | {meaning} |").expect(WRITABLE);
    }
    page.push_str(
        "
## Series

Counters count from the start of what they are about, survive a restart of Slipway, and have `_total` at
their end in Prometheus' format. A histogram is `_bucket`, `_sum` and `_count`.

| series | kind | unit | labels | what |
|---|---|---|---|---|
",
    );
    for one in catalogue::ALL {
        let (kind, end) = match one.kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
            Kind::Histogram => ("histogram", ""),
        };
        let unit = match one.unit {
            Unit::Count => "",
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
        };
        let labels: Vec<String> = one.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, labels, help) = (one.name, labels.join(", "), one.help);
        writeln!(page, "| `{name}{end}` | {kind} | {unit} | {labels} | {help} |").expect(WRITABLE);
    }
    page
}

#[test]
fn the_reference_of_metrics_is_what_the_code_says() {
    is_up_to_date("metrics.md", &metrics());
}

#[test]
fn no_command_is_shown_that_nobody_types() -> Outcome {
    let mut used = BTreeSet::new();
    for page in Page::all()?.iter().filter(|page| !page.is_generated()) {
        for block in page.blocks() {
            let place = format!("{}:{}", page.name, block.line);
            let first = block.text.lines().next().unwrap_or_default();
            if block.language == "console" || !block.about.is_empty() {
                continue;
            }
            if DATA.contains(&block.language.as_str()) {
                let is_typed = block.text.lines().any(|line| line.starts_with("$ "));
                ensure!(!is_typed, "{place}: a command in a block of {}", block.language);
                continue;
            }
            let known =
                |(name, line, _): &&(&str, &str, &str)| *name == page.name && *line == first;
            let entry = NOT_TYPED.iter().find(known);
            ensure!(
                entry.is_some(),
                "{place}: nobody types `{first}`\nhint: make it a `console` block, with `$ ` before \
                 each command; or say in `NOT_TYPED` why that cannot be"
            );
            used.insert(entry);
        }
    }
    ensure!(used.len() == NOT_TYPED.len(), "`NOT_TYPED` has entries of blocks that are gone");
    Ok(())
}

#[test]
fn every_slipway_toml_that_is_shown_is_accepted() -> Outcome {
    let mut seen = 0;
    for page in Page::all()? {
        for block in page.blocks().into_iter().filter(|block| block.language == "toml") {
            let read: Result<Manifest, _> = toml::from_str(&block.text);
            ensure!(read.is_ok(), "{}:{}: {read:?}", page.name, block.line);
            seen += 1;
        }
    }
    ensure!(seen > 1, "{seen} were found");
    Ok(())
}

#[test]
fn pages_that_the_code_writes_have_nothing_to_type() -> Outcome {
    for page in Page::all()?.iter().filter(|page| page.is_generated()) {
        let strange = page.blocks().into_iter().find(|block| block.language != "text");
        ensure!(strange.is_none(), "{}: {strange:?}", page.name);
    }
    Ok(())
}

/// The targets of a page's links.
fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The part of an address that leads to a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() -> Outcome {
    for page in Page::all()? {
        let here = of_this_crate("..").join(&page.name);
        for link in links(&page.text).into_iter().filter(|link| !link.contains("://")) {
            let (path, part) = link.split_once('#').unwrap_or((link, ""));
            let folder = here.parent().unwrap_or(&here);
            let target = if path.is_empty() { here.clone() } else { folder.join(path) };
            ensure!(target.exists(), "{}: {link} leads nowhere", page.name);
            if !part.is_empty() {
                let text = std::fs::read_to_string(&target)?;
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#').trim()));
                ensure!(anchors.any(|found| found == part), "{}: {link}", page.name);
            }
        }
    }
    Ok(())
}

#[test]
fn every_page_is_in_the_index() -> Outcome {
    let index = Page::read("docs/README.md")?;
    let listed: BTreeSet<&str> = links(&index.text).into_iter().collect();
    for page in Page::all()? {
        let Some(name) = page.name.strip_prefix("docs/") else { continue };
        let is_there = name == "README.md" || listed.contains(name);
        ensure!(is_there, "docs/README.md does not lead to {name}");
    }
    Ok(())
}
