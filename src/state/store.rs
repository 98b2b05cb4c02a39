//! The state in a file of the workspace.

use super::format::{self, State};
use super::location::{StageFiles, blocking, io_error};
use super::{StateProvider, file};
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use std::io;
use std::path::PathBuf;

/// Keeps each stage's state in `.gkm/deploy-{stage}.json` under the workspace's root.
///
/// - A write replaces the file whole and is durable when it returns; a crash at any moment leaves the old state or the
///   new one. The version before is kept as `deploy-{stage}.json.bak` (I5).
/// - The file is private to its owner (0600); the folder is made so, or tightened to it (0700).
/// - Keys keep their order, and fields that we do not know keep their values.
/// - A file that is there but is no state is an error, for reading and for writing: it is never taken for "no state",
///   and never replaced. A file that is not there is no state, even when its previous version still is.
/// - The folder may be a symbolic link, the file may not: replacing it would cut the link and leave an old state where
///   it points to.
#[derive(Debug, Clone)]
pub struct LocalStateStore {
    root: PathBuf,
}

impl LocalStateStore {
    /// The store of the workspace at `root`, an absolute path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where the state of a stage is kept.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when the name cannot be part of a file name.
    pub fn path(&self, stage: &str) -> Result<PathBuf, DeployError> {
        Ok(StageFiles::new(&self.root, stage)?.state())
    }
}

#[async_trait]
impl StateProvider for LocalStateStore {
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError> {
        let files = StageFiles::new(&self.root, stage)?;
        blocking(move || Ok(read(&files)?.map(|(_, state)| state))).await
    }

    async fn write(&self, stage: &str, state: &State) -> Result<(), DeployError> {
        let files = StageFiles::new(&self.root, stage)?;
        if let Some(mismatch) = state.mismatch(stage) {
            let message = format!("The state that is to be written {mismatch}");
            return Err(DeployError::new(ErrorCode::InvalidRequest, message));
        }
        let state = state.clone();
        blocking(move || write(&files, &state)).await
    }
}

/// Reads the file and the state that it holds.
fn read(files: &StageFiles) -> Result<Option<(Vec<u8>, State)>, DeployError> {
    let path = files.state();
    let Some(bytes) = file::read(&path).map_err(|error| io_error("read the state", &path, &error))? else {
        return Ok(None);
    };
    match format::parse(&bytes, files.stage()) {
        Ok(state) => Ok(Some((bytes, state))),
        Err(fault) => Err(corrupt(files, &fault)),
    }
}

/// The error of a file that is not the state of its stage; names the copy to restore.
fn corrupt(files: &StageFiles, fault: &str) -> DeployError {
    let (path, backup) = (files.state(), files.backup());
    let whole = match file::read(&backup) {
        Ok(Some(bytes)) => format::parse(&bytes, files.stage()).is_ok(),
        Ok(None) | Err(_) => false,
    };
    let hint = if whole {
        format!("Restore its previous version: cp '{}' '{}'", backup.display(), path.display())
    } else {
        format!(
            "Restore {} from a copy of your own. Without one, move it away: the next run recovers from the server what \
             can be recovered",
            path.display()
        )
    };
    DeployError::new(ErrorCode::StateCorrupt, format!("The state file {} {fault}", path.display()))
        .resource(path.display().to_string())
        .reason("state-file")
        .hint(hint)
}

/// Replaces the file, and keeps what it held.
fn write(files: &StageFiles, state: &State) -> Result<(), DeployError> {
    let path = files.state();
    let failed = |error: &io::Error| io_error("write the state", &path, error);
    let previous = read(files)?.map(|(bytes, _)| bytes);
    let bytes = format::render(state, previous.as_deref()).map_err(|error| failed(&error.into()))?;
    file::prepare_folder(files.folder()).map_err(|error| failed(&error))?;
    if let Some(previous) = previous.filter(|previous| *previous != bytes) {
        // A second name, not another: at every moment the state itself stands in its place, whole.
        file::keep(&path, &files.backup(), &previous).map_err(|error| failed(&error))?;
    }
    file::replace(&path, &bytes).map_err(|error| failed(&error))
}
