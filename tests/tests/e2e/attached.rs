//! Commands with somebody attached: `slipway run` and `slipway exec`, on terminals and in pipes.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use slipway_tests::docker::docker;
use slipway_tests::{Backend, Developer, Echo, Slipway, eventually};

use crate::Outcome;

/// How long a command may outlive whoever was attached to it.
const OUTLIVED: Duration = Duration::from_secs(15);

async fn with_echo(slipway: &Slipway) -> Developer {
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada
}

/// Whether a process on this machine was started with exactly these words.
fn runs(words: &[&str]) -> bool {
    let wanted: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line == wanted)
}

async fn until_gone(words: &[&str]) -> anyhow::Result<()> {
    let look = || async {
        ensure!(!runs(words), "`{}` runs", words.join(" "));
        Ok(())
    };
    eventually("the command is gone", OUTLIVED, look).await
}

/// The containers of one-off commands, running or not.
fn one_offs(slipway: &Slipway) -> anyhow::Result<String> {
    let installation = format!("label=slipway.installation={}", slipway.installation());
    let filters = ["ps", "--all", "--quiet", "--filter", "label=slipway.process=run", "--filter"];
    docker(&[filters.as_slice(), &[&installation]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_on_a_terminal_has_its_keys_its_sizes_and_its_exit_code() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = with_echo(&slipway).await;
    for verb in ["run", "exec"] {
        let mut shell = ada.on_terminal(&[verb, "sh"], 33, 101);
        shell.answers("stty size\r", "33 101").await?;
        ensure!(!shell.is_ordinary()?, "{verb}: keys go through as they are pressed");
        shell.resize(50, 132)?;
        shell.answers("stty size\r", "50 132").await?;
        shell.type_in("echo $TERM in $SLIPWAY_APP\r")?;
        shell.shows("xterm-256color in shop").await?;
        // Ctrl-C ends what runs there, not what runs here.
        shell.type_in("echo be''gan; sleep 1000\r")?;
        shell.shows("began").await?;
        shell.type_in("\x03")?;
        shell.type_in("echo after=$?\r")?;
        shell.shows("after=130").await?;
        // Ctrl-D is the end of input.
        shell.type_in("cat; exit 7\r")?;
        shell.type_in("typed\r\x04")?;
        assert_eq!(shell.ended().await?, 7, "{verb}: {}", shell.text());
        assert!(shell.is_ordinary()?, "{verb} leaves the terminal as it was");
    }
    eventually("the one-off is gone", OUTLIVED, || async {
        ensure!(one_offs(&slipway)?.is_empty(), "it is there");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_piped_in_reaches_the_command_and_its_streams_stay_apart() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = with_echo(&slipway).await;
    let much = "0123456789abcde\n".repeat(128 * 1024);
    for verb in ["run", "exec"] {
        let count = ada.tell_slipway(&[verb, "--", "wc", "-c"], &much).await;
        assert_eq!(count.expect_success().stdout.trim(), much.len().to_string(), "{verb}");
        let line = "sleep 1; cat; echo aside >&2; exit 9";
        let told = ada.tell_slipway(&[verb, "--", "sh", "-c", line], "typed").await;
        assert_eq!((told.code, told.stdout.as_str()), (9, "typed"), "{told}");
        assert_eq!(told.stderr, "aside\n", "{verb}");
        // One that reads nothing is not waited for.
        let deaf = ada.tell_slipway(&[verb, "--", "sh", "-c", "exit 4"], &much[..200_000]).await;
        assert_eq!(deaf.code, 4, "{deaf}");
    }
    let printed = ada.tell_slipway(&["exec", "--", "seq", "200000"], "").await;
    assert_eq!(printed.expect_success().stdout.lines().count(), 200_000);
    let absent = ada.tell_slipway(&["exec", "--instance", "00000000", "--", "true"], "").await;
    absent.expect_failure(&["instance `00000000` was not found"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_ends_soon_after_its_person_is_gone() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = with_echo(&slipway).await;
    for (verb, seconds) in [("run", "71001"), ("exec", "71002")] {
        let line = format!("trap '' HUP; echo be''gan; sleep {seconds}");
        let mut person = ada.on_terminal(&[verb, "--", "sh", "-c", &line], 24, 80);
        person.shows("began").await?;
        eventually("it sleeps", OUTLIVED, || async {
            ensure!(runs(&["sleep", seconds]), "not yet");
            Ok(())
        })
        .await?;
        person.program.kill().await?;
        until_gone(&["sleep", seconds]).await?;
    }
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_no_command_behind_and_says_so() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = with_echo(&slipway).await;
    let mut shells = Vec::new();
    for (verb, seconds) in [("run", "72001"), ("exec", "72002")] {
        let line = format!("trap '' HUP; echo be''gan; sleep {seconds}");
        let shell = ada.on_terminal(&[verb, "--", "sh", "-c", &line], 24, 80);
        shell.shows("began").await?;
        shells.push(shell);
    }
    slipway.kill_server();
    for shell in &mut shells {
        assert_eq!(shell.ended().await?, 1, "{}", shell.text());
        assert!(shell.text().contains("error: "), "{}", shell.text());
        assert!(shell.is_ordinary()?, "the terminal is as it was");
    }
    slipway.start_server().await?;
    until_gone(&["sleep", "72001"]).await?;
    until_gone(&["sleep", "72002"]).await?;
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    Ok(())
}
