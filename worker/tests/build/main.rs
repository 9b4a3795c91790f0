//! Builds on a real Docker, from repositories as people have them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod serving;

use std::time::{Duration, Instant};

use bench::{Bench, chance};
use slipway_core::process::Command;
use slipway_core::reason::ReasonCode;
use slipway_worker::builder::{BuildError, Builder};
use slipway_worker::source::static_files::{RECORD_DIRECTORY, read_static_files};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_change_of_code_reuses_the_installed_packages() {
    let bench = Bench::new().await;
    let first = bench.build("deploy/sample", &[]).await.unwrap();
    assert!(first.headline.contains("Django 5.2 (shop/wsgi.py)"), "{}", first.headline);

    let views = [("catalogue/context.py", "def everywhere(request):\n    return {}\n")];
    let second = bench.build("deploy/sample", &views).await.unwrap();
    assert!(
        second
            .log
            .iter()
            .any(|line| line.contains("Installing 4 packages") && line.ends_with("(cached)")),
        "{:#?}",
        second.log
    );
    assert!(
        second.log.iter().any(|line| line == "-----> Collecting static files"),
        "{:#?}",
        second.log
    );
    assert_ne!(first.image, second.image);

    let third = bench.build("deploy/sample", &views).await.unwrap();
    assert!(
        third.log.iter().all(|line| line.contains("Base: ") || line.ends_with("(cached)")),
        "{:#?}",
        third.log
    );
    eprintln!(
        "first {:?}, code only {:?}, nothing changed {:?}",
        first.elapsed, second.elapsed, third.elapsed
    );
}

#[tokio::test]
async fn static_files_are_collected_again_only_when_something_that_made_them_changed() {
    let bench = Bench::new().await;
    let collected = async |edits: &[(&str, &str)]| {
        let built = bench.build("deploy/sample", edits).await.unwrap();
        let line = built.log.into_iter().find(|line| line.contains(" files in /app/staticfiles"));
        line.map(|line| (line.contains("5 files"), line.ends_with("(unchanged)")))
    };
    let settings = bench::text("deploy/sample/shop/settings.py");
    let module = [("catalogue/context.py", "def everywhere(request):\n    return {}\n")];
    let style = [("static/shop.css", "body { margin: 0 }\n")];
    let script = [("static/shop.js", "'use strict'\n")];
    let renamed = settings.replace("Shown in the footer", "Shown at the foot");
    assert_eq!(collected(&[]).await, Some((true, false)));
    assert_eq!(collected(&module).await, Some((true, true)));
    assert_eq!(collected(&style).await, Some((true, false)));
    assert_eq!(collected(&script).await, Some((false, false)));
    assert_eq!(collected(&[("shop/settings.py", &renamed)]).await, Some((true, false)));
}

#[tokio::test]
async fn static_files_of_a_django_app_are_collected_and_recorded() {
    let bench = Bench::new().await;
    let built = bench.build("deploy/sample", &[]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let record = directory.path().join("record");
    bench.docker.export(&built.image, RECORD_DIRECTORY, &record).await.unwrap();
    let files = read_static_files(&record).unwrap();
    assert_eq!((files.url.as_str(), files.directory.as_str()), ("/static/", "/app/staticfiles"));
    let exported = directory.path().join("files");
    bench.docker.export(&built.image, &files.directory, &exported).await.unwrap();
    let names: Vec<String> = std::fs::read_dir(&exported)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().any(|name| name.starts_with("shop.") && name.len() > "shop.css".len()),
        "{names:?}"
    );
    let missing = bench.docker.export(&built.image, "/nowhere", &directory.path().join("x")).await;
    assert!(
        matches!(missing, Err(BuildError::Failed(reason)) if reason.message.contains("/nowhere"))
    );
}

#[tokio::test]
async fn the_sample_shop_serves_pages_as_an_unprivileged_user() {
    let bench = Bench::new().await;
    let built = bench.build("deploy/sample", &[]).await.unwrap();
    let serving = bench
        .serve(&built, &[("SECRET_KEY", "x"), ("ALLOWED_HOSTS", "*"), ("SLIPWAY_RELEASE", "v7")])
        .await;
    assert_eq!(serving.get("/health").await.1, "ok\n");
    let (status, page) = serving.get("/").await;
    assert!(
        status == 200 && page.contains("Brass compass") && page.contains("<strong>v7</strong>")
    );
    let (_, who) = serving.exec(&["id", "-un"]).await;
    assert_eq!(who.trim(), "app");
    serving.stop().await;
}

#[tokio::test]
async fn a_build_that_fails_is_told_with_its_last_lines() {
    let bench = Bench::new().await;
    let reason = bench.refusal("tests/fixtures/broken-build", &[]).await;
    assert_eq!(reason.code, ReasonCode::BuildFailed);
    assert!(reason.message.ends_with("failed: exit code 3"), "{}", reason.message);
    assert_eq!(reason.last_lines, ["compiling the unbuildable", "no rule to make target"]);
}

#[tokio::test]
async fn a_build_that_takes_too_much_memory_is_killed_and_told_its_limit() {
    const MIB: u64 = 1024 * 1024;
    let bench = Bench::with(|settings| settings.build_memory_bytes = 128 * MIB).await;
    let greedy = "import time; time.sleep(0.5); x = b'x' * (700 * 1024 * 1024)";
    let step = |command: &str| format!("FROM python:3.11-slim\nRUN {command} # {}\n", chance());
    for command in [
        format!("python3 -c \"{greedy}\""),
        // The shell outlives the one that is killed, and ends with a code of its own.
        format!("python3 -c \"{greedy}\" || (sleep 0.5; exit 3)"),
    ] {
        let dockerfile = step(&command);
        let edits = [("Dockerfile", dockerfile.as_str())];
        let reason = bench.refusal("tests/fixtures/dockerfile-hello", &edits).await;
        assert_eq!(reason.code, ReasonCode::BuildFailed);
        assert!(reason.message.contains("memory limit of builds, 128 MiB"), "{}", reason.message);
    }
    let frugal = step("python3 -c \"import time; time.sleep(0.5); x = b'x' * (50 * 1024 * 1024)\"");
    let built = bench.build("tests/fixtures/dockerfile-hello", &[("Dockerfile", &frugal)]).await;
    assert!(built.is_ok(), "what stays below the limit is built: {:?}", built.err());
}

#[tokio::test]
async fn an_instruction_that_the_builder_refuses_is_told_by_its_line() {
    let bench = Bench::new().await;
    let dockerfile = [("Dockerfile", "FROM python:3.11-slim\nCOPY --nonsense a b\n")];
    let reason = bench.refusal("tests/fixtures/dockerfile-hello", &dockerfile).await;
    assert!(reason.message.contains("nonsense"), "{}", reason.message);
}

#[tokio::test]
async fn a_canceled_build_ends_within_five_seconds() {
    let bench = Bench::new().await;
    let marker = format!("sleep 321.{}", std::process::id());
    let dockerfile = format!("FROM python:3.11-slim\nRUN echo asleep && {marker}\n");
    let prepared = bench
        .prepare("tests/fixtures/dockerfile-hello", &[("Dockerfile", &dockerfile)])
        .await
        .unwrap();
    let cancel = CancellationToken::new();
    let (log, mut lines) = bench::log();
    let build = bench.docker.build(&prepared.request, &log, &cancel);
    let canceling = async {
        while let Some(line) = lines.recv().await {
            if line.contains("asleep") && !line.contains("RUN") {
                cancel.cancel();
                return Instant::now();
            }
        }
        panic!("the build ended by itself")
    };
    let (outcome, canceled) = tokio::join!(build, canceling);
    assert!(matches!(outcome, Err(BuildError::Canceled)));
    assert!(canceled.elapsed() < Duration::from_secs(5));
    bench::eventually(Duration::from_secs(5), || !bench::a_process_runs(&marker)).await;
}

#[tokio::test]
async fn a_version_that_is_not_to_be_had_is_told_with_the_one_that_is() {
    let bench = Bench::new().await;
    let wish = [(".python-version", "3.9\n")];
    let reason = bench.refusal("tests/fixtures/crash-on-boot", &wish).await;
    assert_eq!(reason.code, ReasonCode::InvalidSource);
    assert!(
        reason.message.contains("Python 3.9 (`.python-version`)")
            && reason.message.contains("has Python 3."),
        "{}",
        reason.message
    );
}

#[tokio::test]
async fn an_image_without_a_stand_in_is_named() {
    let bench = Bench::new().await;
    let dockerfile = [("Dockerfile", "FROM registry.invalid/nobody/nothing:1\n")];
    let reason = bench.refusal("tests/fixtures/dockerfile-hello", &dockerfile).await;
    assert_eq!(reason.code, ReasonCode::ImageUnavailable);
    assert!(reason.message.contains("`registry.invalid/nobody/nothing:1`"), "{}", reason.message);
}

#[tokio::test]
async fn a_dockerfile_builds_on_a_stand_in_and_its_port_is_known() {
    let bench = Bench::new().await;
    let syntax = format!(
        "# syntax=docker/dockerfile:1\n{}",
        bench::text("tests/fixtures/dockerfile-hello/Dockerfile")
    );
    let built =
        bench.build("tests/fixtures/dockerfile-hello", &[("Dockerfile", &syntax)]).await.unwrap();
    let web = built.formation.processes.values().next().unwrap();
    assert_eq!((&web.command, web.port), (&Command::Image, Some(3000)));
    let serving = bench.serve(&built, &[]).await;
    assert_eq!(serving.get("/").await, (200, "hello from a Dockerfile".to_owned()));
    let (code, _) = serving.exec(&["test", "-e", "/srv/README.md"]).await;
    assert_eq!(code, 1, "what .dockerignore names is in the image");
    serving.stop().await;
}

#[tokio::test]
async fn npm_installs_what_is_locked() {
    let bench = Bench::new().await;
    let built = bench.build("tests/fixtures/node-hello", &[]).await.unwrap();
    let serving = bench.serve(&built, &[]).await;
    assert!(serving.get("/").await.1.starts_with("hello from node after "));
    serving.stop().await;
}

#[tokio::test]
async fn a_static_site_has_types_and_its_own_page_for_what_is_missing() {
    let bench = Bench::new().await;
    let built = bench.build("tests/fixtures/static-hello", &[]).await.unwrap();
    let serving = bench.serve(&built, &[]).await;
    assert!(serving.get("/").await.1.contains("hello from files"));
    assert_eq!(serving.content_type("/style.css").await, "text/css; charset=utf-8");
    let (status, page) = serving.get("/nothing").await;
    assert!(status == 404 && page.contains("<h1>not here</h1>"), "{status} {page}");
    serving.stop().await;
}

#[tokio::test]
async fn flask_and_fastapi_apps_get_a_server_of_their_own() {
    let bench = Bench::new().await;
    for (fixture, greeting) in
        [("flask-hello", "hello from flask"), ("fastapi-hello", "hello from fastapi")]
    {
        let built = bench.build(&format!("tests/fixtures/{fixture}"), &[]).await.unwrap();
        let serving = bench.serve(&built, &[]).await;
        assert_eq!(serving.get("/").await, (200, greeting.to_owned()));
        serving.stop().await;
    }
}

#[tokio::test]
async fn a_finished_build_is_found_again_by_its_deployment() {
    let bench = Bench::new().await;
    let built = bench.build("tests/fixtures/crash-on-boot", &[]).await.unwrap();
    assert_eq!(bench.docker.find(&built.deployment_id).await.unwrap(), Some(built.image.clone()));
    assert!(bench.docker.has(&built.image).await.unwrap());
    let other = Bench::new().await;
    assert_eq!(other.docker.find(&built.deployment_id).await.unwrap(), None);
}

#[tokio::test]
async fn only_our_own_images_are_removed() {
    let bench = Bench::new().await;
    let built = bench.build("tests/fixtures/crash-on-boot", &[]).await.unwrap();
    let other = Bench::new().await;
    other.docker.remove(&built.image).await.unwrap();
    assert!(bench.docker.has(&built.image).await.unwrap(), "another installation's image is gone");
    bench.docker.remove(&built.image).await.unwrap();
    assert!(!bench.docker.has(&built.image).await.unwrap());
    bench.docker.remove(&built.image).await.unwrap();
}

#[tokio::test]
async fn an_image_of_this_machine_is_resolved_when_no_registry_has_it() {
    let bench = Bench::new().await;
    let built = bench.build("tests/fixtures/crash-on-boot", &[]).await.unwrap();
    let (log, lines) = bench::log();
    let found = bench.docker.pull(&built.image.digest, &log).await.unwrap();
    assert_eq!(found.digest, built.image.digest);
    let absent = bench.docker.pull("registry.invalid/nothing:1", &log).await;
    assert!(
        matches!(absent, Err(BuildError::Failed(reason)) if reason.code == ReasonCode::ImageUnavailable)
    );
    drop(lines);
}
