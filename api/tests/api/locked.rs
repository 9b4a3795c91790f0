//! The embedded database while another program holds it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::world::World;

/// Takes the database's write lock until its input ends.
const LOCK: &str = "import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.read()";

#[tokio::test]
async fn while_another_program_holds_the_database_changes_are_put_off_and_reads_go_on() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut holder = Command::new("python3")
        .args(["-c", LOCK])
        .arg(world.state.data_dir.database())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    assert_eq!(line, "held\n");
    let began = Instant::now();
    let put_off = async { admin.post("/v1/apps", &json!({"name": "shop"})).await };
    let read = async {
        let answer = admin.get("/v1/apps").await;
        assert_eq!(answer.status, 200);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    };
    let (answer, ()) = tokio::join!(put_off, read);
    assert_eq!((answer.status, answer.code().as_str()), (503, "busy"));
    assert_eq!(answer.header("retry-after"), "5");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    drop(holder.stdin.take());
    assert!(holder.wait().await.unwrap().success());
    assert_eq!(admin.post("/v1/apps", &json!({"name": "shop"})).await.status, 201);
}
