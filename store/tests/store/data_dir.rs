use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use slipway_store::{DataDir, DataDirError};
use slipway_tests::eventually;

#[test]
fn everything_in_a_data_directory_is_its_owners_alone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = DataDir::create(folder.path().join("deep/inside"))?;
    let again = DataDir::create(data.root())?;
    assert_eq!(again, data);
    for path in [data.root().to_owned(), data.keys(), data.sources(), data.logs(), data.run()] {
        let mode = std::fs::metadata(&path)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", path.display());
    }
    Ok(())
}

#[test]
fn a_second_process_is_told_who_has_the_directory() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = DataDir::create(folder.path())?;
    let lock = data.lock()?;
    let refused = data.lock().unwrap_err();
    assert!(
        matches!(&refused, DataDirError::InUse { pid, .. } if *pid == std::process::id().to_string())
    );
    assert!(refused.to_string().contains("hint: stop that one first"), "{refused}");
    drop(lock);
    data.lock()?;
    Ok(())
}

#[tokio::test]
async fn a_process_that_was_killed_holds_no_lock() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = DataDir::create(folder.path())?;
    drop(data.lock()?);
    let mut holder = Command::new("flock")
        .arg("--no-fork")
        .arg(data.run().join("lock"))
        .args(["sleep", "60"])
        .stdin(Stdio::null())
        .spawn()?;
    let ten = std::time::Duration::from_secs(10);
    eventually("the lock is held", ten, async || {
        anyhow::ensure!(data.lock().is_err(), "it is free");
        Ok(())
    })
    .await?;
    holder.kill()?;
    holder.wait()?;
    data.lock()?;
    Ok(())
}
