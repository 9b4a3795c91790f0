//! `slipway deploy`

use std::path::{Path, PathBuf};

use slipway_client::{Client, MAX_ARCHIVE_BYTES};
use slipway_core::name::AppName;
use slipway_core::wire::deployment::{DeployImage, DeploymentInfo};

use crate::archive::{self, Archive};
use crate::failure::Failure;
use crate::follow::{Wait, follow};
use crate::git::Folder;
use crate::invocation::Invocation;
use crate::progress::Bar;

/// Deploy a directory, or a ready image
///
/// Packs the directory without `.git` and without what `.gitignore`, `.dockerignore` and
/// `.slipwayignore` leave out, uploads it, and shows the build and the switch until it is live.
/// Changes need not be committed. What serves now keeps serving until the new release is ready;
/// when it never is, nothing changes and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway deploy
  slipway deploy ./site -a blog -m \"new front page\"
  slipway deploy --image registry.example.com/shop:2.1")]
pub struct Args {
    /// The directory
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// Deploy this image instead: `repository:tag`, `repository@sha256:…` or an image id
    #[arg(long, value_name = "REF", conflicts_with_all = ["directory", "message"])]
    image: Option<String>,
    /// What the release is called in lists; without, the commit or the directory's name
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let deployment = match args.image {
        Some(reference) => client.deploy_image(&app, &DeployImage { reference }).await?,
        None => upload(invocation, &client, &app, &args.directory, args.message).await?,
    };
    follow(invocation, &client, &deployment, args.wait).await
}

async fn upload(
    invocation: &Invocation,
    client: &Client,
    app: &AppName,
    directory: &Path,
    message: Option<String>,
) -> Result<DeploymentInfo, Failure> {
    let message = match message {
        Some(message) => message,
        None => describe(directory).await,
    };
    let archive = pack(directory).await?;
    invocation.printer.say(&summary(&archive))?;
    let visible = invocation.printer.draws_progress();
    let bar = Bar::new(visible, "uploading", archive.bytes);
    Ok(client.deploy_archive(app, &archive.file, &message, bar.mover()).await?)
}

async fn pack(directory: &Path) -> Result<Archive, Failure> {
    let directory = directory.to_owned();
    let archive = tokio::task::spawn_blocking(move || archive::pack(&directory))
        .await
        .map_err(|error| Failure::new(format!("packing the directory failed: {error}")))?
        .map_err(|error| {
            Failure::new(error.to_string())
                .hint("`.slipwayignore` leaves out what should not be deployed")
        })?;
    if archive.bytes > MAX_ARCHIVE_BYTES {
        let (size, limit) = (megabytes(archive.bytes), megabytes(MAX_ARCHIVE_BYTES));
        return Err(Failure::new(format!("the directory is {size} packed: the limit is {limit}"))
            .hint("leave out what the build does not need, in `.slipwayignore`"));
    }
    Ok(archive)
}

/// The commit that is checked out, else the directory's name.
async fn describe(directory: &Path) -> String {
    if let Some(head) = Folder(directory).head().await {
        return head;
    }
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned());
    format!("directory {}", name.unwrap_or_else(|| "/".to_owned()))
}

/// In the grammar of the lines that follow it.
fn summary(archive: &Archive) -> String {
    let files = if archive.entries == 1 { "file" } else { "files" };
    format!("-----> Packed {} {files}, {}", archive.entries, megabytes(archive.bytes))
}

fn megabytes(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    if tenths == 0 {
        format!("{} kB", bytes.div_ceil(1000))
    } else {
        format!("{}.{} MB", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let sizes = [1, 49_999, 50_000, 1_250_000, MAX_ARCHIVE_BYTES].map(megabytes);
        assert_eq!(sizes, ["1 kB", "50 kB", "0.1 MB", "1.3 MB", "500.0 MB"]);
    }
}
