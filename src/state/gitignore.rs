//! Whether git would take the state in.

use super::location::StageFiles;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How long git may think about it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What git sets for its hooks; it would make another repository answer.
const REPOSITORY_VARIABLES: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// Whether the workspace is in a git repository that does not ignore the state file of `stage`: a warning is due (I5).
///
/// A file that is tracked already is not ignored, whatever the ignore rules say. Without git, outside of a repository,
/// and when git does not answer within five seconds the answer is no.
pub async fn is_exposed_to_git(git: &Path, root: &Path, stage: &str) -> bool {
    let Ok(files) = StageFiles::new(root, stage) else { return false };
    let mut command = Command::new(git);
    command.arg("-C").arg(root).args(["check-ignore", "--quiet", "--"]).arg(files.state());
    for variable in REPOSITORY_VARIABLES {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let Ok(mut child) = command.spawn() else { return false };
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        // 0: ignored; 1: not ignored; 128: no repository, or another fault.
        Ok(Ok(status)) => status.code() == Some(1),
        Ok(Err(_)) | Err(_) => false,
    }
}
