//! Generations of the configuration: numbered directories, and links that say which one counts.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::ProxyError;
use super::layout::Layout;

/// The number of a rendered configuration; later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub(super) u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The files of a generation, by their paths below its directory.
pub(super) type Files = Vec<(&'static str, String)>;

/// The generations on disk.
#[derive(Debug, Clone)]
pub(super) struct Generations {
    layout: Layout,
}

impl Generations {
    pub(super) fn new(layout: &Layout) -> Self {
        Self { layout: layout.clone() }
    }

    /// The directory of a generation, whether or not it exists.
    pub(super) fn home(&self, generation: Generation) -> PathBuf {
        self.layout.generations().join(generation.to_string())
    }

    /// What nginx reads when it starts.
    pub(super) fn current(&self) -> Option<Generation> {
        target(&self.layout.current())
    }

    /// What nginx was last seen to serve.
    pub(super) fn confirmed(&self) -> Option<Generation> {
        target(&self.layout.confirmed())
    }

    /// A number no directory has yet, not even a half-written one.
    pub(super) fn next(&self) -> Result<Generation, ProxyError> {
        let newest = self.all()?.into_iter().max();
        Ok(Generation(newest.map_or(1, |newest| newest.0 + 1)))
    }

    /// Whether the generation is on disk with exactly these files.
    pub(super) fn holds(&self, generation: Generation, files: &Files) -> bool {
        let home = self.home(generation);
        files.iter().all(|(path, text)| {
            fs::read_to_string(home.join(path)).is_ok_and(|there| there == *text)
        })
    }

    /// Writes a generation to disk, durably, without anybody reading it yet.
    pub(super) fn stage(&self, generation: Generation, files: &Files) -> Result<(), ProxyError> {
        let home = self.home(generation);
        for (path, text) in files {
            let path = home.join(path);
            let directory = path.parent().unwrap_or(&home);
            fs::create_dir_all(directory).map_err(ProxyError::file("make", directory))?;
            write_durably(&path, text).map_err(ProxyError::file("write", &path))?;
            sync(directory).map_err(ProxyError::file("sync", directory))?;
        }
        let all = self.layout.generations();
        sync(&home).and_then(|()| sync(&all)).map_err(ProxyError::file("sync", &all))
    }

    /// Makes nginx read this generation from now on: a crash leaves the old one or the new one.
    pub(super) fn point_current(&self, generation: Generation) -> Result<(), ProxyError> {
        self.point(&self.layout.current(), generation)
    }

    /// Notes that nginx serves this generation, and removes all others nobody refers to.
    pub(super) fn confirm(&self, generation: Generation) -> Result<(), ProxyError> {
        if self.confirmed() != Some(generation) {
            self.point(&self.layout.confirmed(), generation)?;
        }
        let current = self.current();
        for old in self.all()? {
            if old != generation && Some(old) != current {
                self.discard(old);
            }
        }
        Ok(())
    }

    /// Removes a generation. What cannot be removed is left for the next confirmation.
    pub(super) fn discard(&self, generation: Generation) {
        if let Err(error) = fs::remove_dir_all(self.home(generation)) {
            tracing::warn!(%generation, %error, "could not remove an old proxy configuration");
        }
    }

    fn point(&self, link: &Path, generation: Generation) -> Result<(), ProxyError> {
        let new = link.with_extension("new");
        let swap = || -> io::Result<()> {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            symlink(Path::new("generations").join(generation.to_string()), &new)?;
            fs::rename(&new, link)?;
            sync(self.layout.root())
        };
        swap().map_err(ProxyError::file("swap", link))
    }

    fn all(&self) -> Result<Vec<Generation>, ProxyError> {
        let directory = self.layout.generations();
        let entries = fs::read_dir(&directory).map_err(ProxyError::file("read", &directory))?;
        Ok(entries.flatten().filter_map(|entry| number(&entry.path())).collect())
    }
}

fn number(path: &Path) -> Option<Generation> {
    path.file_name()?.to_str()?.parse().ok().map(Generation)
}

fn target(link: &Path) -> Option<Generation> {
    number(&fs::read_link(link).ok()?)
}

fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::settings::ProxySettings;
    use super::*;

    fn generations(data: &Path) -> Generations {
        let settings = ProxySettings::new(data, vec!["127.0.0.1:0".parse().unwrap()]);
        Generations::new(&Layout::create(&settings).unwrap())
    }

    fn files(text: &str) -> Files {
        vec![("nginx.conf", text.to_owned()), ("lua/slipway/a.lua", text.to_owned())]
    }

    #[test]
    fn a_staged_generation_is_not_current_until_it_is_pointed_to() {
        let data = tempfile::tempdir().unwrap();
        let generations = generations(data.path());
        let first = generations.next().unwrap();
        generations.stage(first, &files("a")).unwrap();
        assert_eq!(generations.current(), None);
        generations.point_current(first).unwrap();
        assert_eq!(generations.current(), Some(first));
        assert!(generations.holds(first, &files("a")) && !generations.holds(first, &files("b")));
    }

    #[test]
    fn a_half_written_generation_is_never_reused() {
        let data = tempfile::tempdir().unwrap();
        let generations = generations(data.path());
        fs::create_dir_all(generations.home(Generation(7))).unwrap();
        assert_eq!(generations.next().unwrap(), Generation(8));
    }

    #[test]
    fn confirming_removes_what_nobody_refers_to() {
        let data = tempfile::tempdir().unwrap();
        let generations = generations(data.path());
        for number in 1..=4 {
            generations.stage(Generation(number), &files("a")).unwrap();
        }
        generations.point_current(Generation(4)).unwrap();
        generations.confirm(Generation(3)).unwrap();
        let mut left = generations.all().unwrap();
        left.sort();
        assert_eq!(left, [Generation(3), Generation(4)]);
        assert_eq!(generations.confirmed(), Some(Generation(3)));
    }
}
