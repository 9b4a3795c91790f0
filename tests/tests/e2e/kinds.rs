//! Every kind of app that Slipway takes.

use std::time::Duration;
use std::{fs, process};

use anyhow::ensure;
use slipway_tests::docker::docker;
use slipway_tests::program::of_this_crate;
use slipway_tests::repository::copy;
use slipway_tests::{Backend, Developer, Echo, Output, Slipway, eventually};

use crate::Outcome;

/// Pushes one of this crate's apps as it is.
async fn push(ada: &Developer, app: &str) -> Output {
    copy(&of_this_crate(&format!("apps/{app}")), ada.repository());
    ada.commit_all("all of it").await;
    let push = ada.push().await;
    push.expect_success();
    push
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_pages_is_served() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("site").await;
    push(&ada, "site").await.expect_said(&["static site"]);
    let site = slipway.site("site");
    assert!(site.text("/").await?.contains("No server needed"));
    assert!(site.text("/style.css").await?.contains("rebeccapurple"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_app_is_built_and_started_by_its_scripts() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("clock").await;
    push(&ada, "node").await.expect_said(&["Node"]);
    assert_eq!(slipway.site("clock").text("/").await?, "built by node");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dockerfile_with_a_shell_command_is_built_as_it_stands() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let dockerfile = "FROM python:3.11-slim AS files\nCOPY . /app\n\
        FROM python:3.11-slim\nCOPY --from=files /app /app\nWORKDIR /app\n\
        ENV OWN_PORT=$PORT\nCMD python app.py $PORT\n";
    ada.deploy(&Echo::named("one").file("Dockerfile", dockerfile)).await;
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_a_web_process_runs_its_workers() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("ticker").await;
    push(&ada, "worker").await;
    let ticks = || async {
        let log = ada.slipway(&["logs", "--process", "worker"]).await;
        ensure!(log.stdout.contains("tick 3"), "{log}");
        Ok(())
    };
    eventually("the worker ticks", Duration::from_secs(20), ticks).await?;
    ada.slipway(&["scale", "worker=2"]).await.expect_success();
    ada.slipway(&["ps"]).await.expect_success().expect_said(&["worker"]);
    Ok(())
}

/// An image that somebody else made; dropping it removes it.
struct Image(String);

impl Image {
    /// A web server of one static program, with this page.
    fn with_page(page: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::copy(fs::canonicalize("/bin/busybox")?, folder.path().join("busybox"))?;
        fs::write(folder.path().join("index.html"), page)?;
        let dockerfile = "FROM scratch\nCOPY busybox /bin/busybox\nCOPY index.html /www/\nEXPOSE 8000\n\
            CMD [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/www\"]\n";
        fs::write(folder.path().join("Dockerfile"), dockerfile)?;
        let tag = format!("slipway-test-page:{}", process::id());
        docker(&["build", "--quiet", "--tag", &tag, &folder.path().to_string_lossy()])?;
        Ok(Self(tag))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Slipway may have removed the last name of it already.
        drop(docker(&["rmi", "--force", &self.0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_live_without_a_build() -> Outcome {
    let image = Image::with_page("from an image\n")?;
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("page").await;
    ada.slipway(&["deploy", "--image", &image.0]).await.expect_success();
    assert_eq!(slipway.site("page").text("/").await?, "from an image\n");

    let absent = ada.slipway(&["deploy", "--image", "slipway-test-absent:1"]).await;
    absent.expect_failure(&["slipway-test-absent:1"]);
    assert_eq!(slipway.site("page").text("/").await?, "from an image\n");
    Ok(())
}
