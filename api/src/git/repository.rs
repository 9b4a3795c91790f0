//! The bare repository of an app: made when it is first needed, its configuration ours alone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use slipway_core::id::AppId;

use crate::git::plan::ObjectId;
use crate::git::process::Git;

/// An app's repository.
#[derive(Debug, Clone)]
pub struct Repository {
    git: Git,
}

impl Repository {
    /// The repository in `directory`, made when it is not there, with the configuration that this
    /// version wants. Blocks on the file system and on git.
    ///
    /// # Errors
    /// When the directory cannot be written or git cannot be started.
    pub fn ensure(directory: &Path, app: &AppId, config: &str) -> anyhow::Result<Self> {
        if !directory.join("HEAD").exists() {
            make(directory, app)?;
        }
        let file = directory.join("config");
        if std::fs::read_to_string(&file).ok().as_deref() != Some(config) {
            replace(&file, config).context("configure a repository")?;
        }
        Ok(Self { git: Git::on(directory) })
    }

    pub fn git(&self) -> &Git {
        &self.git
    }

    /// What a ref points at. Blocks on git.
    ///
    /// # Errors
    /// When git cannot be started or says something unexpected.
    pub fn head_of(&self, branch: &str) -> anyhow::Result<Option<ObjectId>> {
        let name = format!("refs/heads/{branch}");
        let mut command = self.git.command();
        command.args(["for-each-ref", "--format=%(objectname) %(refname)", "--", &name]);
        let output = command.stdout(Stdio::piped()).output().context("start git")?;
        ensure!(output.status.success(), "git for-each-ref: {}", output.status);
        // A prefix matches too (`main` finds `main/x`): the whole name is compared here.
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(_, found)| *found == name)
            .map(|(id, _)| id.parse().map_err(anyhow::Error::msg))
            .transpose()
    }

    /// Puts a branch back to `wanted` when it is at `current`. Blocks on git.
    ///
    /// # Errors
    /// When it is not at `current` any more, or git cannot be started.
    pub fn put_back(
        &self,
        branch: &str,
        wanted: &ObjectId,
        current: &ObjectId,
    ) -> anyhow::Result<()> {
        let name = format!("refs/heads/{branch}");
        let mut command = self.git.command();
        if wanted.is_none() {
            command.args(["update-ref", "-d", &name, current.as_str()]);
        } else {
            command.args(["update-ref", &name, wanted.as_str(), current.as_str()]);
        }
        let status = command.status().context("start git")?;
        ensure!(status.success(), "git update-ref: {status}");
        Ok(())
    }

    /// Lets clones begin on this branch. Blocks on git.
    ///
    /// # Errors
    /// When git cannot be started, or refuses the name.
    pub fn begin_on(&self, branch: &str) -> anyhow::Result<()> {
        let mut command = self.git.command();
        command.args(["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
        let status = command.status().context("start git")?;
        ensure!(status.success(), "git symbolic-ref: {status}");
        Ok(())
    }

    /// The quarantine directory of a push, when this path is one of this repository.
    ///
    /// # Errors
    /// When it is anywhere else.
    pub fn quarantine(&self, claimed: &Path) -> anyhow::Result<PathBuf> {
        let objects = self.git.directory().join("objects").canonicalize()?;
        let claimed = claimed.canonicalize()?;
        if claimed.parent() != Some(&objects) {
            bail!("`{}` is not a quarantine of this repository", claimed.display());
        }
        Ok(claimed)
    }
}

/// Makes the repository beside its place and renames it there: a crash leaves none that is half.
fn make(directory: &Path, app: &AppId) -> anyhow::Result<()> {
    let parent = directory.parent().context("a repository has a parent directory")?;
    std::fs::create_dir_all(parent)?;
    let place = tempfile::Builder::new().prefix(&format!(".{app}-")).tempdir_in(parent)?;
    let fresh = place.path().join("repository");
    let mut command = Git::on(&fresh).command();
    command.args(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]);
    let status = command.status().context("start git")?;
    ensure!(status.success(), "git init: {status}");
    match std::fs::rename(&fresh, directory) {
        Err(_) if directory.join("HEAD").exists() => Ok(()),
        renamed => renamed.context("put a repository in its place"),
    }
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("/"));
    let temporary = tempfile::NamedTempFile::new_in(directory)?;
    std::fs::write(temporary.path(), text)?;
    temporary.persist(file)?;
    Ok(())
}

/// The configuration of every repository.
///
/// Packs are kept as they come (`unpackLimit`), large files are streamed rather than loaded
/// (`bigFileThreshold`), so that memory stays flat. Three old mistakes that many well-known
/// projects carry in their history, and that harm nobody, pass the check of objects.
pub fn configuration(hooks: &Path, max_pack_bytes: u64) -> String {
    let hooks = hooks.display();
    format!(
        "[core]\n\
         \trepositoryformatversion = 0\n\
         \tfilemode = true\n\
         \tbare = true\n\
         \thooksPath = \"{hooks}\"\n\
         \tbigFileThreshold = 16m\n\
         [transfer]\n\
         \tfsckObjects = true\n\
         \tunpackLimit = 1\n\
         [receive]\n\
         \tfsckObjects = true\n\
         \tmaxInputSize = {max_pack_bytes}\n\
         \tunpackLimit = 1\n\
         \tadvertisePushOptions = false\n\
         \tkeepAlive = 5\n\
         [receive \"fsck\"]\n\
         \tbadTimezone = ignore\n\
         \tmissingSpaceBeforeDate = ignore\n\
         \tzeroPaddedFilemode = ignore\n\
         [pack]\n\
         \tthreads = 1\n\
         \twindowMemory = 64m\n\
         \tdeltaCacheSize = 16m\n\
         [gc]\n\
         \tautoPackLimit = 30\n"
    )
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    fn repository(root: &Path) -> Repository {
        let config = configuration(Path::new("/nonexistent"), 1000);
        Repository::ensure(&root.join("app.git"), &AppId::from_bits(1), &config).unwrap()
    }

    #[test]
    fn a_repository_is_made_once_and_its_configuration_is_ours() {
        let root = tempfile::tempdir().unwrap();
        let made = repository(root.path());
        let file = made.git().directory().join("config");
        std::fs::write(&file, "[core]\n\tfsmonitor = evil\n").unwrap();
        repository(root.path());
        assert!(std::fs::read_to_string(file).unwrap().contains("maxInputSize = 1000"));
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_branch_that_was_never_pushed_has_no_head() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(repository(root.path()).head_of("main").unwrap(), None);
    }

    #[test]
    fn only_a_directory_of_the_repositorys_own_objects_is_a_quarantine() {
        let root = tempfile::tempdir().unwrap();
        let repository = repository(root.path());
        let objects = repository.git().directory().join("objects");
        let good = objects.join("tmp_objdir-incoming-x");
        std::fs::create_dir(&good).unwrap();
        assert!(repository.quarantine(&good).is_ok());
        assert!(repository.quarantine(&objects).is_err());
        assert!(repository.quarantine(Path::new("/etc")).is_err());
        assert!(repository.quarantine(&good.join("../../..")).is_err());
    }
}
