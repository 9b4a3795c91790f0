//! Writing the build context: a plain tar of exactly what the build may see.
//!
//! Owners and permissions are set, not copied: what a build sees depends on the contents alone, and
//! the builder's cache holds across machines and clones. Times are kept, since servers of static
//! files tell browsers by them whether a file has changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use slipway_core::reason::{Reason, ReasonCode};
use tar::{Builder, EntryType, Header};

use super::archive::{Entry, Kind};
use super::base::{BaseNeed, Bases};
use super::certificates::{HostCertificates, IN_CONTEXT};
use super::dockerfile::rewrite;
use super::dockerignore::DockerIgnore;
use super::path::join;
use super::plan::{BuildKind, BuildPlan};
use super::recipe::{OWN, TREE};
use super::tree::SourceTree;

/// Writes the context of a plan to a new file at `out`.
///
/// # Errors
/// When the archive cannot be read again, or the context cannot be written.
pub fn write_context(
    tree: &SourceTree,
    plan: &BuildPlan,
    bases: &Bases,
    certificates: &HostCertificates,
    out: &Path,
) -> Result<(), Reason> {
    let failed = |error: &dyn std::fmt::Display| {
        Reason::new(ReasonCode::Internal, format!("the build context cannot be written: {error}"))
    };
    let file = File::create_new(out).map_err(|error| failed(&error))?;
    let mut context = Context { tar: Builder::new(BufWriter::new(file)) };
    let selection = Selection::of(tree, plan);
    tree.contents(&mut |entry, content| match selection.place(entry.path.as_str()) {
        Some(path) => Ok(context.add(entry, &path, &selection, content)?),
        None => Ok(()),
    })
    .map_err(|error| failed(&error))?;
    let own = own_files(tree, plan, bases, certificates);
    context.finish(&own).map_err(|error| failed(&error))
}

/// Which files of the tree go into the context, and where.
struct Selection<'a> {
    plan: &'a BuildPlan,
    ignore: DockerIgnore,
    /// The directory of the context that the tree goes to.
    root: &'static str,
}

impl<'a> Selection<'a> {
    fn of(tree: &SourceTree, plan: &'a BuildPlan) -> Self {
        match &plan.kind {
            BuildKind::Dockerfile { path, .. } => {
                let specific = tree.text(&format!("{path}.dockerignore"));
                let text = specific.or_else(|| tree.text(".dockerignore")).unwrap_or_default();
                Self { plan, ignore: DockerIgnore::parse(text), root: "" }
            }
            BuildKind::Recipe(_) => Self { plan, ignore: DockerIgnore::default(), root: TREE },
        }
    }

    fn place(&self, path: &str) -> Option<String> {
        let is_out = match &self.plan.kind {
            // The rewritten one takes its place.
            BuildKind::Dockerfile { path: dockerfile, .. } => {
                path == dockerfile
                    || path == IN_CONTEXT
                    || is_below(path, &[".git"])
                    || self.ignore.excludes(path)
            }
            BuildKind::Recipe(recipe) => is_below(path, recipe.excluded),
        };
        (!is_out).then(|| join(self.root, path))
    }
}

fn is_below(path: &str, directories: &[&str]) -> bool {
    path.split('/').any(|part| directories.contains(&part))
}

/// The files that Slipway adds, by path.
fn own_files(
    tree: &SourceTree,
    plan: &BuildPlan,
    bases: &Bases,
    certificates: &HostCertificates,
) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let path = plan.dockerfile_path();
    match &plan.kind {
        BuildKind::Dockerfile { .. } => {
            let found = bases.iter().filter_map(|(need, base)| match need {
                BaseNeed::Reference { name, .. } => Some((name.clone(), base.reference.clone())),
                BaseNeed::Family { .. } => None,
            });
            let text = tree.text(&path).unwrap_or_default();
            let text = rewrite(text, &found.collect(), !certificates.is_empty());
            files.insert(path, text);
        }
        BuildKind::Recipe(recipe) => {
            let additions = recipe.additions.iter();
            files.extend(additions.map(|(name, text)| (join(OWN, name), text.clone())));
            files.insert(path, recipe.dockerfile.clone());
        }
    }
    if !certificates.is_empty() {
        files.insert(IN_CONTEXT.to_owned(), certificates.bundle.clone());
    }
    files
}

struct Context {
    tar: Builder<BufWriter<File>>,
}

impl Context {
    fn add(
        &mut self,
        entry: &Entry,
        path: &str,
        selection: &Selection<'_>,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let mut header = header(entry.modified);
        match &entry.kind {
            Kind::File { executable } => {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(if *executable { 0o755 } else { 0o644 });
                header.set_size(entry.size);
                self.tar.append_data(&mut header, path, content)
            }
            Kind::Directory => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                self.tar.append_data(&mut header, path, io::empty())
            }
            Kind::Symlink { target } => {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                self.tar.append_link(&mut header, path, target)
            }
            Kind::HardLink { target } => {
                // Its file may have stayed out; then there is nothing to link to.
                let Some(target) = selection.place(target.as_str()) else { return Ok(()) };
                header.set_entry_type(EntryType::Link);
                header.set_mode(0o644);
                self.tar.append_link(&mut header, path, target)
            }
        }
    }

    fn finish(mut self, own: &BTreeMap<String, String>) -> io::Result<()> {
        for (path, text) in own {
            let mut header = header(0);
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_size(text.len() as u64);
            self.tar.append_data(&mut header, path, text.as_bytes())?;
        }
        self.tar.into_inner()?.flush()
    }
}

fn header(modified: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header.set_mtime(modified);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::base::BaseImage;
    use crate::source::plan::PlanInputs;
    use crate::source::sample::Sample;

    /// The entries of a context as `mode path -> target`, and the text of its Dockerfile.
    fn context(archive: Sample, bases: &Bases, anchors: &[&str]) -> (Vec<String>, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("source.tar.gz");
        archive.write(&path);
        let tree = SourceTree::read(&path).unwrap();
        let plan = BuildPlan::of(&tree, &PlanInputs::default()).unwrap();
        let anchors = anchors.iter().map(|text| (*text).to_owned()).collect();
        let certificates = HostCertificates::new(anchors, "");
        let out = directory.path().join("context.tar");
        write_context(&tree, &plan, bases, &certificates, &out).unwrap();
        let mut entries = Vec::new();
        let mut dockerfile = String::new();
        for entry in tar::Archive::new(File::open(&out).unwrap()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let target =
                entry.link_name().unwrap().map(|target| format!(" -> {}", target.display()));
            let mode = entry.header().mode().unwrap();
            entries.push(format!("{mode:o} {path}{}", target.unwrap_or_default()));
            if path == plan.dockerfile_path() {
                entry.read_to_string(&mut dockerfile).unwrap();
            }
        }
        (entries, dockerfile)
    }

    #[test]
    fn a_dockerfile_build_sees_the_tree_without_what_is_ignored() {
        let archive = Sample::new()
            .file(".dockerignore", "*.log\nDockerfile\n")
            .file("Dockerfile", "FROM python:3.11-slim\n")
            .file("a.log", "")
            .file(".git/config", "")
            .entry(EntryType::Regular, "run.sh", "", 0o775, b"")
            .link(EntryType::Symlink, "sub/link", "../run.sh")
            .link(EntryType::Link, "same.sh", "run.sh")
            .entry(EntryType::Directory, "empty/", "", 0o2775, b"");
        let need =
            BaseNeed::Reference { name: "python:3.11-slim".to_owned(), is_replaceable: true };
        let base =
            BaseImage { reference: "slipway/base-python:3.11-abc".to_owned(), version: None };
        let (entries, dockerfile) = context(archive, &[(need, base)].into(), &[]);
        assert_eq!(
            entries,
            [
                "644 .dockerignore",
                "755 run.sh",
                "777 sub/link -> ../run.sh",
                "644 same.sh -> run.sh",
                "755 empty",
                "644 Dockerfile",
            ]
        );
        assert_eq!(dockerfile, "FROM slipway/base-python:3.11-abc\n");
    }

    #[test]
    fn a_recipes_build_has_the_tree_and_our_own_files_apart() {
        let archive = Sample::new()
            .file("web.py", "")
            .file("venv/bin/x", "")
            .file("slipway/Dockerfile", "the app's own directory of that name");
        let (entries, _) = context(archive, &Bases::new(), &[]);
        assert_eq!(
            entries,
            ["644 app/web.py", "644 app/slipway/Dockerfile", "644 slipway/Dockerfile",]
        );
    }

    #[test]
    fn the_hosts_certificates_are_part_of_the_context() {
        let anchor = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let archive =
            Sample::new().file("Dockerfile", "FROM debian\n").file(IN_CONTEXT, "not the host's");
        let (entries, dockerfile) = context(archive, &Bases::new(), &[anchor]);
        assert_eq!(entries, [format!("644 {IN_CONTEXT}"), "644 Dockerfile".to_owned()]);
        assert!(dockerfile.starts_with(&format!("FROM debian\nCOPY {IN_CONTEXT} ")));
    }
}
