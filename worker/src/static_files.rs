//! Static files that the proxy serves itself, kept beside the images they came from.
//!
//! ```text
//! static/<app>/<image12>/…     one directory an image
//! static/<app>/current  ─▶ the routed release's      swapped in one rename
//! static/<app>/previous ─▶ the one before, for pages that still name its hashed assets
//! ```

use std::io;
use std::path::{Path, PathBuf};

use slipway_core::release::{ImageRef, Release};

/// The directory of an image's files under an app's root.
pub fn directory(root: &Path, image: &ImageRef) -> PathBuf {
    let digest = image.digest.rsplit(':').next().unwrap_or_default();
    root.join(digest.chars().take(12).collect::<String>())
}

/// Makes the release's files the current ones; what was current stays as the previous.
///
/// # Errors
/// When the links cannot be written. A release without files changes nothing: its pages name none.
pub async fn publish(root: &Path, release: &Release) -> io::Result<()> {
    if release.formation.static_files.is_none() {
        return Ok(());
    }
    let target = directory(root, &release.image);
    let current = root.join("current");
    let before = tokio::fs::read_link(&current).await.ok();
    let name = target.file_name().map(PathBuf::from).unwrap_or_default();
    if before.as_ref() == Some(&name) {
        return Ok(());
    }
    if let Some(before) = before {
        point(root, "previous", &before).await?;
    }
    point(root, "current", &name).await
}

/// Puts a link in place in one step, so that no request finds it missing.
async fn point(root: &Path, link: &str, target: &Path) -> io::Result<()> {
    let staged = root.join(format!(".{link}"));
    match tokio::fs::remove_file(&staged).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    tokio::fs::symlink(target, &staged).await?;
    tokio::fs::rename(&staged, root.join(link)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_core::id::{AppId, DeploymentId, Id, ReleaseId};
    use slipway_core::process::{Formation, StaticFiles};
    use slipway_core::time::Timestamp;

    fn release(version: u32) -> Release {
        let static_files =
            Some(StaticFiles { url: "/static/".into(), directory: "/slipway/static".into() });
        Release {
            id: ReleaseId::from_bits(version.into()),
            app_id: AppId::from_bits(1),
            version,
            image: ImageRef {
                repository: "r".into(),
                digest: format!("sha256:{version}{}", "0".repeat(63)),
            },
            content: version.to_string(),
            formation: Formation { static_files, ..Formation::default() },
            source: None,
            description: String::new(),
            deployment_id: DeploymentId::from_bits(1),
            copy_of: None,
            created_by: "ada".into(),
            created_at: Timestamp(0),
            stable_at: None,
            pinned: false,
            image_kept: true,
        }
    }

    #[tokio::test]
    async fn the_files_of_the_release_before_stay_reachable() {
        let root = tempfile::tempdir().unwrap();
        for version in [1, 2] {
            let image = &release(version).image;
            std::fs::create_dir(directory(root.path(), image)).unwrap();
            std::fs::write(directory(root.path(), image).join("v"), version.to_string()).unwrap();
        }
        publish(root.path(), &release(1)).await.unwrap();
        publish(root.path(), &release(2)).await.unwrap();
        publish(root.path(), &release(2)).await.unwrap();
        let read = |link: &str| std::fs::read_to_string(root.path().join(link).join("v")).unwrap();
        assert_eq!((read("current"), read("previous")), ("2".to_owned(), "1".to_owned()));
    }
}
