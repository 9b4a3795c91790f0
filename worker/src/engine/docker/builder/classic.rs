//! The same context for the classic builder, which refuses `RUN --mount`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use tar::{Archive, Builder};
use tempfile::NamedTempFile;

use super::failure::unavailable;
use crate::builder::BuildError;

/// A copy of a context whose Dockerfile has no mounts, beside the original.
pub async fn context(original: &Path, dockerfile: &str) -> Result<NamedTempFile, BuildError> {
    let (original, dockerfile) = (original.to_owned(), dockerfile.to_owned());
    let copy = tokio::task::spawn_blocking(move || copy(&original, &dockerfile));
    copy.await.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))
}

fn copy(original: &Path, dockerfile: &str) -> io::Result<NamedTempFile> {
    let directory = original.parent().unwrap_or_else(|| Path::new("."));
    let target = NamedTempFile::new_in(directory)?;
    let mut tar = Builder::new(BufWriter::new(target.reopen()?));
    let mut archive = Archive::new(BufReader::new(File::open(original)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let (mut header, path) = (entry.header().clone(), entry.path()?.into_owned());
        if path == Path::new(dockerfile) {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            let text = without_mounts(&text);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, path, text.as_bytes())?;
        } else if let Some(link) = entry.link_name()? {
            let link = link.into_owned();
            tar.append_link(&mut header, path, link)?;
        } else {
            tar.append_data(&mut header, path, &mut entry)?;
        }
    }
    tar.into_inner()?.flush()?;
    Ok(target)
}

/// The Dockerfile with the mounts of its `RUN` lines left out. A cache mount only saves time; what
/// a mount of another kind would bring is missed by the command itself, which then says so.
fn without_mounts(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut words = line.splitn(2, ' ');
        let is_run = words.next().is_some_and(|word| word.eq_ignore_ascii_case("run"));
        let mut rest = words.next().unwrap_or_default().trim_start();
        if is_run && rest.starts_with("--mount=") {
            while rest.starts_with("--mount=") {
                rest = rest.split_once(' ').map_or("", |(_, after)| after).trim_start();
            }
            out.push_str("RUN ");
            out.push_str(rest);
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_left_out_and_nothing_else() {
        let text = "FROM x\nRUN --mount=type=cache,id=a,target=/b --mount=type=tmpfs,target=/c pip install y \\\n && z\nCOPY --from=a b c\nrun true\n";
        assert_eq!(
            without_mounts(text),
            "FROM x\nRUN pip install y \\\n && z\nCOPY --from=a b c\nrun true\n"
        );
    }
}
