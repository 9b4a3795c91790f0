//! A database on a disk that fills up: a real one, small, in memory.

use slipway_core::deployment::DeploymentKind;
use slipway_store::{DataDir, Reserve, Space, Store, StoreError};
use slipway_tests::disk::SmallDisk;

use crate::bench::settings;

const MIB: u64 = 1024 * 1024;

async fn open(data: &DataDir) -> anyhow::Result<Store> {
    Ok(Store::open(&settings(&format!("sqlite://{}", data.database().display()))).await?)
}

#[tokio::test]
async fn a_full_disk_makes_the_store_read_only_until_there_is_room_again() -> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount(64 * MIB)? else { return Ok(()) };
    let data = DataDir::create(disk.path())?;
    let (store, reserve) = (open(&data).await?, Reserve::of(&data));
    store.look_after_room(&reserve)?;
    assert!(!store.is_read_only() && reserve.is_held());
    let app = store.create_app(&"shop".parse()?, "ada@example.org").await?;

    disk.fill(0)?;
    let mut refused = None;
    for _ in 0..1_000 {
        let wanted = crate::bench::wanted(&app.id, DeploymentKind::Push);
        refused = store.accept(wanted).await.err();
        if refused.is_some() {
            break;
        }
    }
    assert!(matches!(refused, Some(StoreError::DiskFull)), "{refused:?}");
    assert!(store.app(&app.name).await?.is_some(), "reading goes on");

    store.look_after_room(&reserve)?;
    assert!(store.is_read_only() && !reserve.is_held());
    store.became_read_only().await;
    store.tombstone_app(&app.id, "ada@example.org").await?;
    store.look_after_room(&reserve)?;
    assert!(store.is_read_only(), "the place of the reserve is no room");

    // A restart while the disk is full finds the room that the reserve left, and the same mode.
    store.close().await;
    let store = open(&data).await?;
    store.look_after_room(&reserve)?;
    assert!(store.is_read_only());

    disk.clear()?;
    store.look_after_room(&reserve)?;
    assert!(!store.is_read_only() && reserve.is_held());
    store.create_app(&"other".parse()?, "ada@example.org").await?;
    Ok(())
}

#[tokio::test]
async fn a_reserve_that_cannot_be_held_whole_is_not_held_at_all() -> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount(64 * MIB)? else { return Ok(()) };
    let data = DataDir::create(disk.path())?;
    let reserve = Reserve::of(&data);
    disk.fill(3 * MIB)?;
    assert!(!reserve.look_after()?, "less than the reserve is free");
    assert!(!reserve.is_held());
    disk.clear()?;
    assert!(reserve.look_after()? && reserve.is_held());
    let held = std::fs::metadata(disk.path().join("reserve"))?;
    assert_eq!(held.len(), 4 * MIB, "a sixteenth of a small disk");
    assert!(Space::of(disk.path())?.free_bytes <= 60 * MIB, "it takes its place for real");
    Ok(())
}
