//! What is refused before anything is done, and how.

use crate::harness::Desk;

#[tokio::test]
async fn mistakes_of_use_exit_with_2_and_say_what_to_type() {
    let desk = Desk::new();
    for (arguments, expected) in [
        (&["frobnicate"][..], "unrecognized subcommand"),
        (&["scale", "web"], "write it as `web=2`"),
        (&["config", "set", "DEBUG"], "write it as `KEY=VALUE`"),
        (&["config:set", "SLIPWAY_APP=x"], "keys that start with `SLIPWAY_` are reserved"),
        (&["rollback", "latest"], "a release is a number such as `v10`"),
        (&["create", "Shop"], "is not a valid app name"),
        (&["login", "ftp://x"], "it must start with `http://` or `https://`"),
        (&["deploy", "dir", "--image", "x"], "cannot be used with"),
        (&["run"], "required arguments were not provided"),
        (
            &["logs", "--source", "browser"],
            "[possible values: build, release, app, run, platform, access]",
        ),
        (&["logs", "--status", "50x"], "neither a status like `404` nor a class like `5xx`"),
        (&["logs", "--since", "yesterday"], "use a span like `90s`"),
        (&["ps"], "hint: add `-a NAME`, or run `slipway create NAME` here"),
        (&["login", "localhost:1"], "hint: add `--email ADDRESS --password-stdin`, or `--token`"),
        (&[], "Usage: slipway"),
    ] {
        let ended = desk.slipway(arguments).await;
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn without_a_server_the_way_to_one_is_shown() {
    let ended = Desk::new().slipway(&["apps"]).await;
    assert_eq!(ended.code, 1);
    let expected = "error: no server is known\nhint: run `slipway login URL`, or set SLIPWAY_URL\n";
    assert_eq!(ended.stderr, expected);
}

#[tokio::test]
async fn a_server_that_one_is_not_signed_in_to_is_not_asked() {
    let ended = Desk::new().slipway(&["apps", "--server", "localhost:1"]).await;
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(ended.stderr);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named() {
    let desk = Desk::new();
    let mut command = desk.command(env!("CARGO_BIN_EXE_slipway"));
    command.arg("apps").env("SLIPWAY_URL", "localhost:1").env("SLIPWAY_TOKEN", "slp_x");
    let ended = crate::harness::run(&mut command, "").await;
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(ended.stderr);
}

#[tokio::test]
async fn completion_scripts_know_the_commands() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.slipway(&["completion", shell]).await.success();
        assert!(script.contains("rollback") && !script.contains("\x1b["), "{shell}");
    }
    let script = desk.slipway(&["completion", "bash"]).await.success();
    let file = desk.folder.join("completion.bash");
    std::fs::write(&file, script).unwrap();
    let mut bash = desk.command("bash");
    let checked = crate::harness::run(bash.arg("-n").arg(&file), "").await;
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
}

#[tokio::test]
async fn the_version_is_told_in_every_way() {
    let desk = Desk::new();
    let expected = format!("slipway {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(desk.slipway(&["version"]).await.success(), expected);
    assert_eq!(desk.slipway(&["--version"]).await.success(), expected);
    let json: serde_json::Value =
        serde_json::from_str(&desk.slipway(&["version", "--json"]).await.success()).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
}
