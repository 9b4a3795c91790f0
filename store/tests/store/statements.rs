//! Every statement is understood by the database it is meant for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::bench::Bench;

on_both_databases!(every_statement_prepares);

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every statement as `apps/insert`, with its text.
fn statements() -> anyhow::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut found = Vec::new();
    for aggregate in fs::read_dir(&root)? {
        for file in fs::read_dir(aggregate?.path())? {
            let path = file?.path();
            let name = path.strip_prefix(&root)?.with_extension("");
            found.push((name.display().to_string(), fs::read_to_string(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// Every `$N` of a statement.
fn parameters(sql: &str) -> BTreeSet<usize> {
    let after = sql.split('$').skip(1);
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    after.filter_map(|text| number(text).parse().ok()).collect()
}

async fn every_statement_prepares(bench: Bench) -> anyhow::Result<()> {
    let raw = bench.raw().await?;
    let other = if bench.server.is_some() { ".sqlite" } else { ".postgres" };
    for (name, sql) in statements()? {
        if name.ends_with(other) {
            continue;
        }
        let prepared = raw.acquire().await?.prepare(AssertSqlSafe(sql).into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
    Ok(())
}

/// That the highest one is the number of values given is checked when the crate is built.
#[test]
fn parameters_are_numbered_without_a_gap() -> anyhow::Result<()> {
    for (name, sql) in statements()? {
        let parameters = parameters(&sql);
        let highest = parameters.last().copied().unwrap_or_default();
        assert_eq!(parameters, (1..=highest).collect(), "{name}");
    }
    Ok(())
}

#[test]
fn no_statement_is_left_unused() -> anyhow::Result<()> {
    let mut code = String::new();
    let mut folders = vec![sources()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { code += &fs::read_to_string(&path)? }
        }
    }
    for (full, _) in statements()? {
        let name = full.trim_end_matches(".sqlite").trim_end_matches(".postgres");
        // A pair is named once, a statement of one database in full.
        let used = [name, &full].iter().any(|name| code.contains(&format!("\"{name}\"")));
        assert!(used, "{full}");
    }
    Ok(())
}

#[test]
fn only_the_agreed_statements_differ() -> anyhow::Result<()> {
    let mut pairs: Vec<String> = statements()?.into_iter().map(|(name, _)| name).collect();
    pairs.retain(|name| name.contains('.'));
    assert_eq!(
        pairs,
        [
            "database/copy_into.sqlite",
            "database/has_schema.sqlite",
            "database/now.postgres",
            "database/now.sqlite",
            "database/quick_check.sqlite",
            "jobs/claim.postgres",
            "jobs/claim.sqlite",
            "samples/write_host.postgres",
            "samples/write_host.sqlite",
            "samples/write_instances.postgres",
            "samples/write_instances.sqlite",
            "samples/write_processes.postgres",
            "samples/write_processes.sqlite"
        ]
    );
    Ok(())
}
