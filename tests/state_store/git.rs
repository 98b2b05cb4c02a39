//! The warning when git would take the state in.

use crate::STAGE;
use deploy_native::state::is_exposed_to_git;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::tempdir;

fn git(root: &Path, words: &[&str]) {
    let output = Command::new("git").arg("-C").arg(root).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn i5_a_state_that_git_would_take_in_is_noticed() {
    let root = tempdir().unwrap();
    let exposed = async |git: &str| is_exposed_to_git(Path::new(git), root.path(), STAGE).await;
    assert!(!exposed("git").await, "no repository, no warning");
    git(root.path(), &["init", "-q"]);
    assert!(exposed("git").await);
    assert!(!exposed("git-that-is-not-there").await, "no git, no warning");
    fs::write(root.path().join(".gitignore"), ".gkm/\n").unwrap();
    assert!(!exposed("git").await);
    fs::create_dir(root.path().join(".gkm")).unwrap();
    fs::write(root.path().join(".gkm/deploy-staging.json"), "{}").unwrap();
    git(root.path(), &["add", "-f", ".gkm/deploy-staging.json"]);
    assert!(exposed("git").await, "a tracked file is committed, ignored or not");
}
