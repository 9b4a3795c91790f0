//! A stage on the Docker daemon of this machine, set up and looked at with Docker's own client.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use slipway_core::id::{AppId, Id, InstallationId, InstanceId};
use slipway_core::release::ImageRef;
use slipway_worker::engine::docker::{Docker, DockerSettings};

use crate::stage::{Stage, new_id};

const BUSYBOX: &str = "/bin/busybox";
/// Programs the tests use, all of them busybox.
const APPLETS: &[&str] = &[
    "cat", "grep", "hostname", "httpd", "id", "ip", "kill", "killall", "nc", "printf", "ps", "sh",
    "sleep", "tail", "test", "true", "wget",
];

/// Removes what a test made, even when it fails.
pub struct Cleanup {
    installation: InstallationId,
    image: String,
}

/// An engine of a new installation, and the promise to clean up after it.
pub async fn stage() -> (Stage<Docker>, Cleanup) {
    let installation: InstallationId = new_id();
    stage_with(DockerSettings::new(installation)).await
}

/// The same with settings of the test's own.
pub async fn stage_with(settings: DockerSettings) -> (Stage<Docker>, Cleanup) {
    let installation = settings.installation.clone();
    let tag = installation.as_str().replace('_', "-");
    let image = format!("slipway-test/busybox:{tag}");
    let cleanup = Cleanup { installation, image: image.clone() };
    let digest = import(&image);
    let engine = Docker::connect(settings).await.expect("a Docker daemon should answer");
    let image = ImageRef { repository: image, digest };
    (Stage { engine, image, app_id: new_id::<AppId>() }, cleanup)
}

/// Settings with a quick sweep.
pub fn sweeping_settings() -> DockerSettings {
    let mut settings = DockerSettings::new(new_id());
    // Longer than a start takes between claiming a sandbox and joining it, on a busy machine too.
    settings.sweep_interval = Duration::from_secs(1);
    settings
}

/// Runs Docker's client; its output, trimmed. Fails with its message.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("`docker` should start");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The id of the container that runs an instance.
pub fn container_of(id: &InstanceId) -> String {
    let label = format!("label=slipway.instance={id}");
    docker(&["ps", "-aq", "--no-trunc", "--filter", &label])
}

/// The containers and networks of an app by name, sorted.
pub fn objects_of(app_id: &AppId) -> Vec<String> {
    let label = format!("label=slipway.app={app_id}");
    let mut names = docker(&["ps", "-a", "--filter", &label, "--format", "{{.Names}}"]);
    names.push('\n');
    names += &docker(&["network", "ls", "--filter", &label, "--format", "{{.Name}}"]);
    let mut names: Vec<String> =
        names.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    names.sort();
    names
}

/// Imports the test image; its id.
fn import(reference: &str) -> String {
    let mut child = Command::new("docker")
        .args(["import", "--change", "ENTRYPOINT [\"/bin/printf\", \"the image %s\\n\"]"])
        .args(["--change", "CMD [\"speaks\"]", "-", reference])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`docker` should start");
    child.stdin.take().unwrap().write_all(&root()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the test image should import");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A root file system: busybox, links to it, a page, a world-writable `/tmp`.
fn root() -> Vec<u8> {
    let hint = "the tests need a static busybox: apt-get install busybox-static";
    assert!(Path::new(BUSYBOX).is_file(), "{hint}");
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(BUSYBOX, "bin/busybox").unwrap();
    for applet in APPLETS {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, format!("bin/{applet}"), "busybox").unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o1777);
    header.set_size(0);
    archive.append_data(&mut header, "tmp", std::io::empty()).unwrap();
    let page = "it works\n";
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(page.len() as u64);
    archive.append_data(&mut header, "www/index.html", page.as_bytes()).unwrap();
    archive.into_inner().unwrap()
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let label = format!("label=slipway.installation={}", self.installation);
        remove(&["ps", "-aq", "--filter", &label], &["rm", "-f", "-v"]);
        remove(&["network", "ls", "-q", "--filter", &label], &["network", "rm"]);
        quietly(&["rmi", &self.image]);
        // Shared with tests that run meanwhile: Docker keeps it as long as one uses it.
        remove(&["images", "-q", "--filter", "label=slipway.role=sandbox"], &["rmi"]);
    }
}

/// Removes what a listing shows.
fn remove(listing: &[&str], removal: &[&str]) {
    let listed = quietly(listing);
    let listed: Vec<&str> = listed.split_whitespace().collect();
    if !listed.is_empty() {
        quietly(&[removal, &listed].concat());
    }
}

fn quietly(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
