//! Full disks and read-only folders: nothing is lost.

use crate::{STAGE, child, file, generation, generation_of};
use deploy_native::ErrorCode;
use deploy_native::state::{
    Intent, Journal, LocalStateStore, LockOwner, Outcome, ResourceKind, SharedState, StageLock, StateProvider,
};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tempfile::tempdir;
use time::OffsetDateTime;

/// Mounts a file system of 64 KiB, seen by this process alone.
fn mount_small(root: &Path) {
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(root));
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// Fills the file system to the last byte.
fn fill(root: &Path) {
    let _ = fs::write(root.join("filler"), vec![0; 1 << 20]);
    assert!(fs::metadata(root.join("filler")).unwrap().len() > 0);
}

fn owner() -> LockOwner {
    LockOwner::this_process("run", OffsetDateTime::UNIX_EPOCH)
}

#[test]
fn i5_a_full_disk_loses_nothing() {
    let Some(root) = child::part() else {
        child::with_own_mounts("faults::i5_a_full_disk_loses_nothing", tempdir().unwrap().path());
        return;
    };
    mount_small(&root);
    runtime().block_on(async {
        let store = LocalStateStore::new(&root);
        store.write(STAGE, &generation(1)).await.unwrap();
        let shared = SharedState::load(Arc::new(store.clone()), STAGE).await.unwrap().unwrap();
        fill(&root);
        let error = shared.update(|state| *state = generation(2)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StateIo);
        assert!(error.hint_text().unwrap().contains("disk space"), "{error}: {:?}", error.hint_text());
        assert_eq!(generation_of(&shared.snapshot()), 1, "memory follows the disk");
        assert_eq!(generation_of(&store.read(STAGE).await.unwrap().unwrap()), 1);

        fs::remove_file(root.join("filler")).unwrap();
        shared.update(|state| *state = generation(2)).await.unwrap();
        assert_eq!(generation_of(&store.read(STAGE).await.unwrap().unwrap()), 2);
        let names: Vec<_> = fs::read_dir(root.join(".gkm")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    });
}

#[test]
fn i3_a_full_disk_does_not_damage_the_journal() {
    let Some(root) = child::part() else {
        child::with_own_mounts("faults::i3_a_full_disk_does_not_damage_the_journal", tempdir().unwrap().path());
        return;
    };
    mount_small(&root);
    runtime().block_on(async {
        let lock = StageLock::acquire(&root, STAGE, owner()).await.unwrap();
        let journal = Journal::open(&lock, OffsetDateTime::now_utc).await.unwrap();
        let intent =
            || Intent::Create { resource: ResourceKind::Application, name: "n".repeat(1500), mark: "m".to_owned() };
        let first = journal.intend("s", intent()).await.unwrap();
        fill(&root);
        // The last page has room for a part of what follows.
        let mut kept = 1;
        let error = loop {
            match journal.intend("s", intent()).await {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), ErrorCode::StateIo);
        assert_eq!(Journal::peek(&root, STAGE).await.unwrap().len(), kept, "the failed entry is not there");

        fs::remove_file(root.join("filler")).unwrap();
        journal.settle(&first, Outcome::Done).await.unwrap();
        journal.intend("s", intent()).await.unwrap();
        assert_eq!(Journal::peek(&root, STAGE).await.unwrap(), journal.unfinished().await.unwrap());
        assert_eq!(journal.unfinished().await.unwrap().len(), kept);
    });
}

#[test]
fn i5_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written() {
    let Some(root) = child::part() else {
        let test = "faults::i5_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written";
        child::with_own_mounts(test, tempdir().unwrap().path());
        return;
    };
    mount_small(&root);
    runtime().block_on(async {
        let store = LocalStateStore::new(&root);
        store.write(STAGE, &generation(1)).await.unwrap();
        run(Command::new("mount").args(["-o", "remount,ro"]).arg(&root));
        assert_eq!(generation_of(&store.read(STAGE).await.unwrap().unwrap()), 1);
        let refused = [
            store.write(STAGE, &generation(2)).await.unwrap_err(),
            StageLock::acquire(&root, STAGE, owner()).await.unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.code(), ErrorCode::StateIo);
            assert!(error.hint_text().unwrap().contains("writable"), "{error}: {:?}", error.hint_text());
        }
        assert_eq!(generation_of(&store.read(STAGE).await.unwrap().unwrap()), 1);
        assert!(Journal::peek(&root, STAGE).await.unwrap().is_empty());
        assert!(file(&root, "json").exists());
    });
}
