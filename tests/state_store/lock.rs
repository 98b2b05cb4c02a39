//! The lock of a stage: one run at a time, and no human needed after a death.

use crate::{STAGE, child, file};
use deploy_native::ErrorCode;
use deploy_native::state::{LockOwner, StageLock};
use futures_util::{FutureExt as _, poll};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::tempdir;
use time::OffsetDateTime;
use tokio::time::timeout;

async fn acquire(root: &Path, run: &str) -> Result<StageLock, deploy_native::DeployError> {
    StageLock::acquire(root, STAGE, LockOwner::this_process(run, OffsetDateTime::UNIX_EPOCH)).await
}

#[tokio::test]
async fn i11_two_locks_of_one_process_exclude_each_other() {
    let root = tempdir().unwrap();
    let first = acquire(root.path(), "first").await.unwrap();
    let error = acquire(root.path(), "second").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateLocked);
    let owner = first.owner().clone();
    let holder = format!("process {} on {} since 1970-01-01T00:00:00Z (run first)", std::process::id(), owner.host);
    assert!(!owner.host.is_empty());
    assert!(error.message().ends_with(&holder), "{error}");
    assert!(error.hint_text().is_some());
    let other = LockOwner { run_id: "other".to_owned(), ..owner };
    StageLock::acquire(root.path(), "production", other).await.expect("another stage is free");
    drop(first);
    drop(acquire(root.path(), "second").await.unwrap());
    assert!(file(root.path(), "lock").exists(), "the file is never deleted");
}

#[tokio::test]
async fn i11_a_run_of_this_process_that_only_cleans_up_is_waited_for() {
    let root = tempdir().unwrap();
    let ending = acquire(root.path(), "ending").await.unwrap();
    let (journal, released) = (ending.clone(), ending.end());
    // The same file by another path.
    let same = root.path().join(".");
    let mut next = Box::pin(acquire(&same, "next").map(Result::unwrap));
    drop(ending);
    assert!(poll!(&mut next).is_pending());
    assert!(timeout(Duration::from_millis(100), &mut next).await.is_err(), "a clone still holds it");
    assert!(!released.is_cancelled());
    drop(journal);
    let next = next.await;
    assert!(released.is_cancelled());
    let error = acquire(root.path(), "third").await.unwrap_err();
    assert!(error.message().ends_with("(run next)"), "the next one is no longer ending: {error}");
    drop(next);
}

#[tokio::test]
async fn i11_the_text_of_the_file_decides_nothing() {
    let root = tempdir().unwrap();
    fs::create_dir(root.path().join(".gkm")).unwrap();
    fs::write(file(root.path(), "lock"), format!("{{\"pid\":{}}}", std::process::id())).unwrap();
    let held = acquire(root.path(), "run").await.unwrap();
    fs::write(file(root.path(), "lock"), "not JSON").unwrap();
    let error = acquire(root.path(), "second").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateLocked);
    assert!(error.message().contains("another process"), "{error}");
    drop(held);
    fs::remove_file(file(root.path(), "lock")).unwrap();
    symlink("/dev/null", file(root.path(), "lock")).unwrap();
    assert_eq!(acquire(root.path(), "run").await.unwrap_err().code(), ErrorCode::StateIo);
}

#[test]
fn i11_of_many_processes_one_works_and_its_death_frees_the_stage() {
    let name = "lock::i11_of_many_processes_one_works_and_its_death_frees_the_stage";
    if let Some(root) = child::part() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(acquire(&root, "child")) {
            Ok(_held) => {
                child::say("works");
                child::wait_for_parent();
            }
            Err(error) => child::say(&format!("{} {error}", error.code())),
        }
        return;
    }
    let root = tempdir().unwrap();
    for _ in 0..2 {
        let children: Vec<_> = (0..6).map(|_| child::Running::start(name, root.path())).collect();
        let (mut owners, mut others) = (Vec::new(), Vec::new());
        for child in children {
            match child.line().as_str() {
                "works" => owners.push(child),
                refused => others.push(refused.to_owned()),
            }
        }
        assert_eq!(owners.len(), 1, "{others:?}");
        let owner = owners.pop().unwrap();
        let holder = format!("process {} ", owner.pid());
        for refused in others {
            assert!(refused.starts_with("STATE_LOCKED ") && refused.contains(&holder), "{refused}");
        }
        owner.kill();
    }
}

#[test]
fn i11_a_child_process_does_not_inherit_the_lock() {
    let name = "lock::i11_a_child_process_does_not_inherit_the_lock";
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    if let Some(root) = child::part() {
        let _held = runtime.block_on(acquire(&root, "child")).unwrap();
        #[expect(clippy::zombie_processes, reason = "it outlives us, that is the point")]
        let grandchild = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
        child::say(&grandchild.id().to_string());
        return child::wait_for_parent();
    }
    let root = tempdir().unwrap();
    let owner = child::Running::start(name, root.path());
    let grandchild = owner.line();
    owner.kill();
    let freed = runtime.block_on(acquire(root.path(), "next"));
    let alive = Command::new("kill").args(["-9", &grandchild]).status().unwrap().success();
    assert!(alive, "the grandchild outlived its parent");
    freed.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_the_lock_is_free_at_once_while_children_are_started() {
    let root = tempdir().unwrap();
    let starters: Vec<_> = (0..3)
        .map(|_| std::thread::spawn(|| (0..60).for_each(|_| assert!(Command::new("true").status().unwrap().success()))))
        .collect();
    while !starters.iter().all(std::thread::JoinHandle::is_finished) {
        drop(acquire(root.path(), "run").await.unwrap());
    }
    for starter in starters {
        starter.join().unwrap();
    }
}
