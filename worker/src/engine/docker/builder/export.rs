//! Copying a directory out of an image.
//!
//! An image is made by its app's build, so the copy is taken with the same care as a source
//! archive: only files and directories, only below the target, bounded.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader, BufWriter};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder,
    RemoveContainerOptionsBuilder,
};
use futures_util::TryStreamExt;
use slipway_core::id::Id;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::ImageRef;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::super::Docker;
use super::super::call::{CHANGE, is_absent, refused, status};
use super::super::labels;
use super::failure::{from_engine, unavailable};
use crate::builder::BuildError;

/// Most files of a directory.
const MAX_ENTRIES: usize = 50_000;
/// Most bytes of a directory.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Limit of the whole copy.
const TOTAL: Duration = Duration::from_mins(5);
/// Role of the container that only holds an image's files; it is never started.
const ROLE_EXPORT: &str = "export";

impl Docker {
    /// Copies a directory of an image to `target`, which must not exist.
    pub(super) async fn export_directory(
        &self,
        image: &ImageRef,
        directory: &str,
        target: &Path,
    ) -> Result<(), BuildError> {
        let container = self.create_holder(image).await?;
        let copied = timeout(TOTAL, self.copy(&container, directory, target)).await;
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let removal = self.client.remove_container(&container, Some(options));
        let removed = self.call("removing a container", CHANGE, removal).await;
        copied
            .unwrap_or_else(|_| Err(unavailable(&"copying files out of an image took too long")))?;
        removed.map_err(from_engine)
    }

    /// Makes the container, under a name that finds the one a crash left behind.
    async fn create_holder(&self, image: &ImageRef) -> Result<String, BuildError> {
        const DOING: &str = "making a container";
        let digest = image.digest.rsplit(':').next().unwrap_or_default();
        let name = format!("sw-export-{}", digest.get(..12).unwrap_or(digest));
        let labels = [
            (labels::INSTALLATION, self.settings.installation.as_str()),
            (labels::ROLE, ROLE_EXPORT),
        ];
        let body = ContainerCreateBody {
            image: Some(image.digest.clone()),
            // An image without a command could not be made into a container.
            cmd: Some(vec!["none".to_owned()]),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let call = self.client.create_container(Some(options), body);
        match self.raw_call(DOING, CHANGE, call).await.map_err(from_engine)? {
            Ok(made) => Ok(made.id),
            Err(error) if status(&error) == Some(409) => Ok(name),
            Err(error) => Err(from_engine(refused(DOING, &error))),
        }
    }

    async fn copy(
        &self,
        container: &str,
        directory: &str,
        target: &Path,
    ) -> Result<(), BuildError> {
        let options = DownloadFromContainerOptionsBuilder::default().path(directory).build();
        let stream = self.client.download_from_container(container, Some(options));
        let mut stream = std::pin::pin!(stream);
        let parent = target.parent().unwrap_or_else(|| Path::new("."));
        let packed = NamedTempFile::new_in(parent).map_err(|error| unavailable(&error))?;
        let file = packed.reopen().map_err(|error| unavailable(&error))?;
        let mut file = tokio::fs::File::from_std(file);
        let mut size = 0;
        while let Some(bytes) =
            stream.try_next().await.map_err(|error| missing(directory, &error))?
        {
            size += bytes.len() as u64;
            if size > MAX_BYTES {
                return Err(too_large(directory));
            }
            file.write_all(&bytes).await.map_err(|error| unavailable(&error))?;
        }
        file.flush().await.map_err(|error| unavailable(&error))?;
        let (path, target) = (packed.path().to_owned(), target.to_owned());
        let unpacking = tokio::task::spawn_blocking(move || unpack(&path, &target));
        let unpacked = unpacking.await.map_err(|error| unavailable(&error))?;
        match unpacked.map_err(|error| unavailable(&error))? {
            Unpacked::Whole => Ok(()),
            Unpacked::TooMany => Err(too_large(directory)),
        }
    }
}

fn missing(directory: &str, error: &bollard::errors::Error) -> BuildError {
    if is_absent(error) {
        let message = format!("the image has no directory `{directory}`");
        return BuildError::Failed(Reason::new(ReasonCode::BuildFailed, message));
    }
    from_engine(refused("copying files out of an image", error))
}

fn too_large(directory: &str) -> BuildError {
    let message = format!(
        "`{directory}` of the image has more than {MAX_ENTRIES} files or {} MiB",
        MAX_BYTES / 1024 / 1024
    );
    BuildError::Failed(Reason::new(ReasonCode::BuildFailed, message))
}

enum Unpacked {
    Whole,
    TooMany,
}

/// Unpacks an archive whose entries all lie below the exported directory's own name. Links and
/// everything else that is neither file nor directory is left out. The proxy's own user must be
/// able to read the copy, whatever umask this process runs with.
fn unpack(packed: &Path, target: &Path) -> io::Result<Unpacked> {
    make_directory(target)?;
    let mut archive = tar::Archive::new(BufReader::new(File::open(packed)?));
    for (index, entry) in archive.entries()?.enumerate() {
        if index >= MAX_ENTRIES {
            return Ok(Unpacked::TooMany);
        }
        let mut entry = entry?;
        let Some(inside) = inside(&entry.path()?) else { continue };
        let path = target.join(inside);
        if entry.header().entry_type().is_dir() {
            make_directory(&path)?;
        } else if entry.header().entry_type().is_file() {
            if let Some(parent) = path.parent() {
                make_directory(parent)?;
            }
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(entry.header().mtime()?);
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            file.set_permissions(Permissions::from_mode(0o644))?;
            let mut file = BufWriter::new(file);
            io::copy(&mut entry, &mut file)?;
            file.into_inner()?.set_modified(modified)?;
        }
    }
    Ok(Unpacked::Whole)
}

fn make_directory(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        fs::create_dir_all(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// The path below the exported directory; `None` for itself, and for what would leave it.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    let Some(Component::Normal(_)) = parts.next() else { return None };
    let inside: Option<PathBuf> = parts
        .map(|part| if let Component::Normal(name) = part { Some(name) } else { None })
        .collect();
    inside.filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_the_directory_is_unpacked() {
        let below = |text: &str| inside(Path::new(text)).map(|path| path.display().to_string());
        assert_eq!(below("static/css/a.css").as_deref(), Some("css/a.css"));
        assert_eq!(below("./static/a").as_deref(), Some("a"));
        assert_eq!(below("static/"), None);
        assert_eq!(below("static/../../etc/passwd"), None);
        assert_eq!(below("/etc/passwd"), None);
    }

    #[test]
    fn links_of_an_image_are_not_copied() {
        let directory = tempfile::tempdir().unwrap();
        let packed = directory.path().join("packed.tar");
        let mut tar = tar::Builder::new(File::create(&packed).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, "static/passwd", "/etc/passwd").unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.set_mtime(1_700_000_000);
        tar.append_data(&mut header, "static/css/a.css", b"hi".as_slice()).unwrap();
        tar.finish().unwrap();
        let target = directory.path().join("target");
        unpack(&packed, &target).unwrap();
        assert!(!target.join("passwd").exists());
        let file = target.join("css/a.css");
        assert_eq!(fs::read_to_string(&file).unwrap(), "hi");
        let modified = file.metadata().unwrap().modified().unwrap();
        assert_eq!(modified, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    }
}
