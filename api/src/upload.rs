//! A body that is too large for memory, in a file of its own until it is known to be good.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;

use anyhow::Context as _;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use flate2::read::GzDecoder;
use futures_util::StreamExt as _;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::error::ApiError;
use crate::publish::publish;
use crate::settings::ApiLimits;
use crate::state::ApiState;

/// An archive that arrived whole; its file goes with it unless it is kept.
#[derive(Debug)]
pub struct Upload {
    file: NamedTempFile,
    pub bytes: u64,
    /// Hexadecimal.
    pub sha256: String,
}

impl Upload {
    /// Keeps the archive under this path, on the disk when this returns.
    ///
    /// # Errors
    /// When the disk is full.
    pub async fn keep_as(&self, path: &Path) -> anyhow::Result<()> {
        let (from, to) = (self.file.path().to_owned(), path.to_owned());
        let published = tokio::task::spawn_blocking(move || publish(&from, &to)).await?;
        published.context("keep an uploaded archive")
    }
}

/// Receives an archive: bounded in bytes, in time, and in how long it may stand still.
///
/// # Errors
/// When it breaks off, is too large or too slow, or is not a gzipped tar.
pub async fn receive(
    state: &ApiState,
    headers: &HeaderMap,
    body: Body,
) -> Result<Upload, ApiError> {
    let limits = &state.settings.limits;
    let limit = limits.source_bytes;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|bytes| bytes.parse().ok()).is_some_and(|bytes: u64| bytes > limit) {
        return Err(ApiError::TooLarge { limit });
    }
    let file = NamedTempFile::new_in(state.data_dir.scratch())?;
    let collected = timeout(limits.upload_time, collect(body, &file, limits)).await;
    let (bytes, sha256) = collected.map_err(|_| ApiError::TimedOut)??;
    let upload = Upload { file, bytes, sha256 };
    let opened = upload.file.reopen()?;
    tokio::task::spawn_blocking(move || check_kind(opened)).await.map_err(ApiError::internal)??;
    Ok(upload)
}

/// Writes a body into a file; its length and its SHA-256.
async fn collect(
    body: Body,
    file: &NamedTempFile,
    limits: &ApiLimits,
) -> Result<(u64, String), ApiError> {
    let mut writer = tokio::fs::File::from_std(file.reopen()?);
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut digest) = (0, Sha256::new());
    loop {
        let chunk = match timeout(limits.standstill, chunks.next()).await {
            Err(_) => return Err(ApiError::TimedOut),
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                return Err(ApiError::Malformed(format!("the upload broke off: {error}")));
            }
            Ok(Some(Ok(chunk))) => chunk,
        };
        bytes += chunk.len() as u64;
        if bytes > limits.source_bytes {
            return Err(ApiError::TooLarge { limit: limits.source_bytes });
        }
        digest.update(&chunk);
        writer.write_all(&chunk).await?;
    }
    writer.flush().await?;
    Ok((bytes, hex::encode(digest.finalize())))
}

/// Whether it begins like a gzipped tar. What is in it is looked at when it is built.
fn check_kind(mut file: File) -> Result<(), ApiError> {
    const BLOCK: u64 = 512;
    let invalid = |what: &str| {
        let message = format!("the body is not a gzipped tar: {what}");
        ApiError::invalid("not_an_archive", message, "pack it with `tar -czf`")
    };
    let mut begin = Vec::new();
    file.rewind().map_err(ApiError::internal)?;
    match GzDecoder::new(file).take(BLOCK).read_to_end(&mut begin) {
        Err(error) if is_damage(&error) => return Err(invalid("it does not unpack")),
        Err(error) => return Err(ApiError::internal(error)),
        Ok(_) => {}
    }
    let mut archive = tar::Archive::new(begin.as_slice());
    let mut entries = archive.entries().map_err(ApiError::internal)?;
    match entries.next() {
        None => Err(invalid("it holds no file")),
        Some(Err(_)) => Err(invalid("it holds something else")),
        Some(Ok(_)) => Ok(()),
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn kind_of(bytes: &[u8]) -> Result<(), ApiError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        check_kind(file)
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_gzipped_tar_is_known_by_its_beginning() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.set_cksum();
        tar.append_data(&mut header, "Procfile", &b"hi"[..]).unwrap();
        assert!(kind_of(&gzipped(&tar.into_inner().unwrap())).is_ok());
    }

    #[test]
    fn anything_else_is_refused() {
        let empty_tar = tar::Builder::new(Vec::new()).into_inner().unwrap();
        for bytes in
            [&b""[..], b"PK\x03\x04", b"plain text", &gzipped(b"text"), &gzipped(&empty_tar)]
        {
            assert!(matches!(kind_of(bytes), Err(ApiError::Invalid { .. })), "{bytes:?}");
        }
        assert!(matches!(kind_of(&gzipped(&[7; 4096])), Err(ApiError::Invalid { .. })));
    }
}
