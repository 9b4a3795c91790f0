//! The tests of the pages' own scripts, which node runs.

use std::process::Command;

#[test]
fn the_scripts_pass_their_own_tests() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
    let ran = Command::new("node").args(["--test", "stream.test.js"]).current_dir(folder).output();
    let ran = ran.expect("node is installed; `make setup` does that");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}
