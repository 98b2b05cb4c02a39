//! Where the files of a stage live.

use crate::system::is_link_refusal;
use crate::{DeployError, ErrorCode};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The folder of a workspace in which we keep things.
const FOLDER: &str = ".gkm";

/// Longer names would not leave room for the rest of a file name.
const LONGEST_STAGE: usize = 100;

/// The files of one stage of a workspace.
#[derive(Debug, Clone)]
pub(super) struct StageFiles {
    folder: PathBuf,
    stage: String,
}

impl StageFiles {
    /// The files of `stage` in the workspace at `root`; fails when the name cannot be part of a file name.
    pub(super) fn new(root: &Path, stage: &str) -> Result<Self, DeployError> {
        check_stage(stage)?;
        Ok(Self { folder: root.join(FOLDER), stage: stage.to_owned() })
    }

    pub(super) fn stage(&self) -> &str {
        &self.stage
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn state(&self) -> PathBuf {
        self.file("json")
    }

    pub(super) fn backup(&self) -> PathBuf {
        self.file("json.bak")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.file("lock")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.file("journal")
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("deploy-{}.{ending}", self.stage))
    }
}

/// Refuses names that would leave the folder or that a file system treats in its own way.
fn check_stage(stage: &str) -> Result<(), DeployError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !stage.is_empty() && stage.len() <= LONGEST_STAGE && !stage.starts_with('.') && stage.chars().all(allowed) {
        return Ok(());
    }
    let message = format!("stage: `{}` cannot be the name of a stage", stage.escape_debug());
    Err(DeployError::new(ErrorCode::InvalidRequest, message)
        .hint("Use 1 to 100 letters, digits, `.`, `_` and `-`, the first of them not a `.`"))
}

/// The error of a file operation: what was to be done to which file, and what helps.
pub(super) fn io_error(action: &str, path: &Path, error: &io::Error) -> DeployError {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "Free some disk space and run again; nothing was lost",
        ErrorKind::FileTooLarge => "Raise the limit on file sizes (`ulimit -f`) and run again; nothing was lost",
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "Make the folder and its files writable for the user that deploys"
        }
        _ if is_link_refusal(error) => "Put the file itself in the place of the symbolic link",
        ErrorKind::NotFound | ErrorKind::NotADirectory => "Check that the workspace's root is an existing folder",
        _ => "Check the file, its folder and its file system",
    };
    let message = format!("Cannot {action} {}: {error}", path.display());
    DeployError::new(ErrorCode::StateIo, message).resource(path.display().to_string()).hint(hint).caused_by(error)
}

/// Does file work off the threads that serve the network.
///
/// The work runs to its end even when the future is dropped.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DeployError> + Send + 'static,
) -> Result<T, DeployError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(DeployError::new(ErrorCode::Internal, "The work on a file stopped").caused_by(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_names_stay_inside_the_folder() {
        for good in ["staging", "prod.eu-1", "a", "A_b", "x..y"] {
            let files = StageFiles::new(Path::new("/w"), good).unwrap();
            assert_eq!(files.state(), Path::new("/w/.gkm").join(format!("deploy-{good}.json")));
        }
        let long = "x".repeat(101);
        for bad in ["", ".", "..", ".hidden", "../up", "a/b", "a\\b", "a\0b", "a b", "ü", "a\n", long.as_str()] {
            let error = StageFiles::new(Path::new("/w"), bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequest, "{bad:?}");
        }
    }
}
