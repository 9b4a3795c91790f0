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
                path == dockerfile || path == IN_CONTEXT || is_below(path, &[".git"]) || self.ignore.excludes(path)
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
