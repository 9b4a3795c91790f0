//! Copies of a database that is in use.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use slipway_core::deployment::DeploymentKind;
use slipway_store::{BackupError, Store, save_copy};

use crate::bench::{Bench, settings};

/// The writer makes one app after another, each in one transaction with its event: at any moment
/// there are as many of both, and so there must be in the copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_while_others_write_is_the_database_at_one_moment() -> anyhow::Result<()> {
    let bench = Bench::sqlite().await?;
    let app = bench.app("shop").await?;
    let (_, release) = bench.live(&app, "1").await?;
    let done = Arc::new(AtomicBool::new(false));
    let (store, ended) = (bench.store.clone(), Arc::clone(&done));
    let writer = tokio::spawn(async move {
        let mut made = 0_usize;
        while !ended.load(Ordering::Relaxed) {
            let name = format!("app-{made}").parse()?;
            store.create_app(&name, "ada@example.org").await?;
            made += 1;
        }
        anyhow::Ok(made)
    });
    let mut sizes = Vec::new();
    for number in 0..5 {
        let target = bench.folder.path().join(format!("copy-{number}.db"));
        save_copy(&bench.url, &target).await?;
        assert_eq!(std::fs::metadata(&target)?.permissions().mode() & 0o777, 0o600);
        let copy = Store::open(&settings(&format!("sqlite://{}", target.display()))).await?;
        let apps = copy.apps().await?.len();
        let events = copy.events(None, 0, 100_000).await?;
        let created = events.iter().filter(|event| format!("{event:?}").contains("AppCreated"));
        assert_eq!(created.count(), apps, "each app and its event, or neither");
        let found = copy.app(&app.name).await?.expect("it was there before");
        assert_eq!(found.live_release_id.as_ref(), Some(&release.id));
        copy.accept(crate::bench::wanted(&found.id, DeploymentKind::Push)).await?;
        sizes.push(apps);
    }
    done.store(true, Ordering::Relaxed);
    assert!(writer.await?? > 5, "the writer was not kept waiting");
    assert!(sizes.is_sorted() && sizes[0] < sizes[4], "{sizes:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_overwritten_and_only_the_embedded_database_is_copied() -> anyhow::Result<()> {
    let bench = Bench::sqlite().await?;
    let target = bench.folder.path().join("copy.db");
    std::fs::write(&target, "somebody's")?;
    let refused = save_copy(&bench.url, &target).await.unwrap_err();
    assert!(matches!(refused, BackupError::Exists { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&target)?, "somebody's");

    let absent = format!("sqlite://{}", bench.folder.path().join("absent.db").display());
    let refused = save_copy(&absent, &bench.folder.path().join("other.db")).await.unwrap_err();
    assert!(matches!(refused, BackupError::Absent { .. }), "{refused}");
    let refused = save_copy("postgres://localhost/x", &target).await.unwrap_err();
    assert!(refused.to_string().contains("`pg_dump`"), "{refused}");
    let nowhere = bench.folder.path().join("nowhere/copy.db");
    let refused = save_copy(&bench.url, &nowhere).await.unwrap_err();
    assert!(matches!(refused, BackupError::File { .. }), "{refused}");
    Ok(())
}
