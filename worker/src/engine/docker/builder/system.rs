//! A plain system from the distribution's packages, made with `mmdebstrap`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt;
use slipway_core::reason::{Reason, ReasonCode};
use tokio::io::{AsyncBufReadExt, BufReader as AsyncBufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::super::Docker;
use super::super::call::CHANGE;
use super::apt;
use super::failure::{build_failed, from_engine, unavailable};
use super::text::plain;
use crate::builder::{BuildError, BuildLog};
use crate::source::certificates::HostCertificates;

const PROGRAM: &str = "mmdebstrap";
/// What a plain system has besides the essential packages.
const PACKAGES: &str = "ca-certificates,netbase,tzdata";
/// Limit of making one.
const TOTAL: Duration = Duration::from_mins(10);
/// How long it may take to clean up after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);
/// Counts up when this file makes a different system from the same packages.
const EDITION: &str = "1";
/// What nobody reads in a container.
const LEFT_OUT: [&str; 4] =
    ["usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/locale/"];
/// How many lines are kept for a failure.
const TAIL: usize = 20;

/// What decides the result, besides the day it is made.
pub fn fingerprint() -> String {
    format!("{EDITION} {PACKAGES} {}", apt::codename().unwrap_or_default())
}

/// Makes a system as a tar file.
pub async fn make(
    out: &Path,
    certificates: &HostCertificates,
    log: &BuildLog,
    cancel: &CancellationToken,
) -> Result<(), BuildError> {
    let sources = apt::sources().map_err(|message| no_way(&message))?;
    let raw = out.with_extension("raw");
    let mut child = Command::new(PROGRAM)
        .args(["--variant=apt", "--format=tar", "--dpkgopt=force-unsafe-io"])
        .arg(format!("--include={PACKAGES}"))
        .arg("")
        .arg(&raw)
        .args(&sources)
        .env("TMPDIR", out.parent().unwrap_or_else(|| Path::new("/tmp")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A group of its own, so that everything it started can be ended with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| no_way(&format!("`{PROGRAM}` cannot be started: {error}")))?;
    let ended = tokio::select! {
        ended = timeout(TOTAL, follow(&mut child, log)) => ended.map_err(|_| {
            let minutes = TOTAL.as_secs() / 60;
            build_failed(format!("`{PROGRAM}` took longer than {minutes} min"), Vec::new())
        }),
        () = cancel.cancelled() => Err(BuildError::Canceled),
    };
    if ended.is_err() {
        end(&mut child).await;
    }
    let (status, lines) = ended?.map_err(|error| unavailable(&error))?;
    if !status.success() {
        return Err(build_failed(format!("`{PROGRAM}` failed: {status}"), lines));
    }
    let (out, anchors) = (out.to_owned(), certificates.anchors.clone());
    let slimming = tokio::task::spawn_blocking(move || slim(&raw, &out, &anchors));
    slimming.await.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))
}

fn no_way(problem: &str) -> BuildError {
    let message = format!(
        "no base image can be had: no registry can be reached, and none can be made here: {problem}"
    );
    BuildError::Failed(Reason::new(ReasonCode::ImageUnavailable, message))
}

async fn follow(child: &mut Child, log: &BuildLog) -> io::Result<(ExitStatus, Vec<String>)> {
    let mut tail = Vec::new();
    if let Some(errors) = child.stderr.take() {
        let mut lines = AsyncBufReader::new(errors).lines();
        while let Some(line) = lines.next_line().await? {
            let line = plain(&line);
            // Whoever reads the log may be gone; the work goes on.
            let _ = log.send(format!("       {line}")).await;
            if tail.len() == TAIL {
                tail.remove(0);
            }
            tail.push(line);
        }
    }
    Ok((child.wait().await?, tail))
}

/// Ends the program and all it started.
async fn end(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    for signal in [Signal::TERM, Signal::KILL] {
        let Some(group) = group else { return };
        // Gone already is as good.
        let _ = kill_process_group(group, signal);
        if timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
    }
}

/// Copies a system without what nobody reads, and with the host's own authorities.
fn slim(raw: &Path, out: &Path, anchors: &[String]) -> io::Result<()> {
    let mut archive = tar::Archive::new(BufReader::new(File::open(raw)?));
    let mut tar = tar::Builder::new(BufWriter::new(File::create_new(out)?));
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let path = entry.path_bytes();
        let text = String::from_utf8_lossy(&path);
        let text = text.trim_start_matches("./");
        // Licences stay, as their terms ask.
        let is_kept = text.ends_with("/copyright") || text.ends_with('/');
        let is_out = !is_kept && LEFT_OUT.iter().any(|directory| text.starts_with(directory));
        if !is_out {
            let header = entry.header().clone();
            tar.append(&header, &mut entry)?;
        }
    }
    for (index, anchor) in anchors.iter().enumerate() {
        let mut header = tar::Header::new_gnu();
        header.set_size(anchor.len() as u64);
        header.set_mode(0o644);
        let path = format!("usr/local/share/ca-certificates/host-{index}.crt");
        tar.append_data(&mut header, path, anchor.as_bytes())?;
    }
    tar.into_inner()?.flush()?;
    std::fs::remove_file(raw)
}

impl Docker {
    /// Makes an image of a system's files.
    pub(super) async fn import(&self, packed: &Path, name: &str) -> Result<(), BuildError> {
        let file = tokio::fs::File::open(packed).await.map_err(|error| unavailable(&error))?;
        let body = bollard::body_try_stream(ReaderStream::new(file));
        let (repo, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let options =
            CreateImageOptionsBuilder::default().from_src("-").repo(repo).tag(tag).build();
        let stream = self.client.create_image(Some(options), Some(body), None);
        let done = stream.try_for_each(|_| async { Ok(()) });
        self.call("importing a base image", CHANGE * 5, done).await.map_err(from_engine)
    }
}
