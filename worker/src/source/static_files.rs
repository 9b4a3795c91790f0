//! What an image's build recorded about its static files.

use std::path::Path;

use serde::Deserialize;
use slipway_core::process::StaticFiles;

/// The directory of an image that holds the record; to be exported.
pub const RECORD_DIRECTORY: &str = "/slipway";
const RECORD: &str = "static.json";
/// A record is two short texts.
const MAX_RECORD_BYTES: u64 = 16 * 1024;

#[derive(Deserialize)]
struct Record {
    url: String,
    directory: String,
}

/// Reads the record from an exported `RECORD_DIRECTORY`. `None` when there is none, or one that
/// the proxy cannot use: files on another host, or at the root of the app.
pub fn read_static_files(exported: &Path) -> Option<StaticFiles> {
    let path = exported.join(RECORD);
    let file = path.symlink_metadata().ok()?;
    if !file.is_file() || file.len() > MAX_RECORD_BYTES {
        return None;
    }
    usable(&std::fs::read_to_string(path).ok()?)
}

fn usable(record: &str) -> Option<StaticFiles> {
    let Record { url, directory } = serde_json::from_str(record).ok()?;
    let plain = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        text.bytes().all(allowed) && !text.split('/').any(|part| matches!(part, "." | ".."))
    };
    let is_prefix =
        url.len() > 2 && url.starts_with('/') && !url.starts_with("//") && url.ends_with('/');
    let is_directory = directory.len() > 1 && directory.starts_with('/');
    (is_prefix && is_directory && plain(&url) && plain(&directory))
        .then_some(StaticFiles { url, directory })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_prefix_and_an_absolute_directory_are_used() {
        let read = |url: &str, directory: &str| {
            usable(&serde_json::json!({"url": url, "directory": directory}).to_string())
        };
        assert!(read("/static/", "/app/staticfiles").is_some());
        for url in [
            "/",
            "//",
            "static/",
            "/static",
            "https://cdn.example.com/",
            "//cdn/x/",
            "/a/../b/",
            "/a b/",
            "/$x/",
        ] {
            assert_eq!(read(url, "/app/static"), None, "{url}");
        }
        for directory in ["", "/", "static", "/app/../etc", "/app/{x}"] {
            assert_eq!(read("/static/", directory), None, "{directory}");
        }
    }

    #[test]
    fn a_record_that_is_a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("elsewhere");
        std::fs::write(&target, r#"{"url": "/static/", "directory": "/etc"}"#).unwrap();
        std::os::unix::fs::symlink(&target, directory.path().join(RECORD)).unwrap();
        assert_eq!(read_static_files(directory.path()), None);
    }
}
