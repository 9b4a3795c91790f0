//! Archives that somebody made to do harm: each is refused, with the rule it breaks.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::EntryType;

use super::archive::{ArchiveError, Limits, walk};
use super::sample::Sample;
use super::tree::SourceTree;

fn refusal(archive: Sample) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("source.tar.gz");
    archive.write(&path);
    SourceTree::read(&path).unwrap_err().to_string()
}

fn of(kind: EntryType, path: &str, target: &str, mode: u32) -> String {
    refusal(Sample::new().entry(kind, path, target, mode, b""))
}

#[test]
fn paths_that_leave_the_tree_are_refused() {
    let file = |path| of(EntryType::Regular, path, "", 0o644);
    assert!(file("/etc/passwd").contains("absolute"));
    assert!(file("../escape").contains("`..`"));
    assert!(file("a/../../escape").contains("`..`"));
    assert!(file("a/..").contains("`..`"));
    assert!(file("line\nbreak").contains("control character"));
    assert!(of(EntryType::Directory, "..", "", 0o755).contains("`..`"));
}

#[test]
fn links_that_leave_the_tree_are_refused() {
    let link = |path, target| of(EntryType::Symlink, path, target, 0o777);
    assert!(link("passwd", "/etc/passwd").contains("outside the source"));
    assert!(link("a/up", "../../etc/passwd").contains("outside the source"));
    assert!(of(EntryType::Link, "hard", "/etc/passwd", 0o644).contains("outside the source"));
    assert!(of(EntryType::Link, "hard", "../x", 0o644).contains("outside the source"));
    assert!(of(EntryType::Link, "hard", "not-there", 0o644).contains("outside the source"));
}

#[test]
fn only_files_directories_and_links_are_accepted() {
    assert!(of(EntryType::Char, "null", "", 0o666).contains("a device"));
    assert!(of(EntryType::Block, "sda", "", 0o666).contains("a device"));
    assert!(of(EntryType::Fifo, "pipe", "", 0o666).contains("a named pipe"));
    assert!(of(EntryType::GNUSparse, "holes", "", 0o644).contains("a sparse file"));
    assert!(of(EntryType::Continuous, "odd", "", 0o644).contains("of an unknown kind"));
}

#[test]
fn set_id_bits_are_refused() {
    assert!(of(EntryType::Regular, "su", "", 0o4755).contains("set-user-id"));
    assert!(of(EntryType::Regular, "sg", "", 0o2755).contains("set-group-id"));
}

#[test]
fn nothing_lies_below_a_link_or_a_file() {
    let through_link =
        Sample::new().file("real/x", "").link(EntryType::Symlink, "a", "real").file("a/x", "");
    assert_eq!(refusal(through_link), "`a/x` lies below `a`, which is not a directory");
    let below_file = Sample::new().file("a/x", "").file("a", "");
    assert!(refusal(below_file).contains("lies below `a`"));
    let directory = Sample::new().entry(EntryType::Directory, "a/", "", 0o755, b"");
    assert!(refusal(directory.file("a", "")).contains("`a` is there twice"));
}

#[test]
fn one_path_has_one_entry() {
    let twice =
        Sample::new().file("Dockerfile", "FROM a").link(EntryType::Symlink, "./Dockerfile", "b");
    assert_eq!(refusal(twice), "`Dockerfile` is there twice");
}

#[test]
fn an_extended_header_cannot_smuggle_a_path_or_a_size() {
    let named = |content: &[u8], kind| {
        refusal(Sample::new().entry(kind, "x", "", 0o644, content).file("innocent", ""))
    };
    assert!(named(b"18 path=../escape\n", EntryType::XHeader).contains("`..`"));
    assert!(named(b"/etc/passwd\0", EntryType::GNULongName).contains("absolute"));
    assert!(named(b"12 size=999\n", EntryType::XHeader).contains("8 GiB"));
    assert!(named(b"22 GNU.sparse.major=1\n", EntryType::XHeader).contains("a sparse file"));
    let long = Sample::new().entry(EntryType::XHeader, "x", "", 0o644, &vec![b'a'; 128 * 1024]);
    assert!(refusal(long).contains("too long"));
}

#[test]
fn a_global_header_names_no_file() {
    let archive = Sample::new()
        .entry(
            EntryType::XGlobalHeader,
            "pax_global_header",
            "",
            0o644,
            b"30 comment=0123456789abcdefghi\n",
        )
        .file("a", "");
    let mut paths = Vec::new();
    walk(archive.bytes().as_slice(), Limits::SOURCE, &mut |entry, _| {
        paths.push(entry.path.to_string());
        Ok(())
    })
    .unwrap();
    assert_eq!(paths, ["a"]);
}

/// Limits that small archives exceed.
const TIGHT: Limits =
    Limits { entries: 3, bytes: 64 * 1024, ratio: 10, ratio_free_bytes: 16 * 1024 };

fn walked(archive: &[u8]) -> Result<(), ArchiveError> {
    walk(archive, TIGHT, &mut |_, _| Ok(()))
}

/// Text that hardly compresses.
fn noise(bytes: usize) -> String {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + (state % 95) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn an_archive_beyond_a_limit_is_refused() {
    let many =
        ["a", "b", "c", "d"].iter().fold(Sample::new(), |archive, name| archive.file(name, ""));
    assert!(matches!(walked(&many.bytes()), Err(ArchiveError::TooManyEntries(3))));
    let large = Sample::new().file("a", &noise(80 * 1024));
    assert!(matches!(walked(&large.bytes()), Err(ArchiveError::TooLarge(_))));
    let bomb = Sample::new().file("a", &"0".repeat(60 * 1024));
    assert!(matches!(walked(&bomb.bytes()), Err(ArchiveError::Ratio(10))));
    let fits = Sample::new().file("a", &noise(40 * 1024)).file("b", "0");
    assert!(walked(&fits.bytes()).is_ok());
}

#[test]
fn a_bomb_is_refused_long_before_it_is_unpacked() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::from(u32::MAX));
    header.set_mode(0o644);
    header.set_path("zeros").unwrap();
    header.set_cksum();
    gzip.write_all(header.as_bytes()).unwrap();
    gzip.write_all(&vec![0; 128 * 1024 * 1024]).unwrap();
    let archive = gzip.finish().unwrap();
    let mut seen = 0;
    let outcome = walk(archive.as_slice(), Limits::SOURCE, &mut |_, content| {
        seen = std::io::copy(content, &mut std::io::sink()).unwrap_or(0);
        Ok(())
    });
    assert!(matches!(outcome, Err(ArchiveError::Ratio(_))), "{outcome:?} after {seen} bytes");
}

#[test]
fn nonsense_is_refused() {
    assert!(matches!(walked(b"not gzip"), Err(ArchiveError::Unreadable(_))));
    let whole = Sample::new().file("a", &"x".repeat(5000)).bytes();
    assert!(walked(&whole[..whole.len() / 2]).is_err());
}
