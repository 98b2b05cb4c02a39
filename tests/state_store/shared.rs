//! The shared state: memory and disk never part.

use crate::{STAGE, file};
use async_trait::async_trait;
use deploy_native::state::{LocalStateStore, SharedState, State, StateProvider};
use deploy_native::{DeployError, ErrorCode};
use futures_util::future::join_all;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::{TempDir, tempdir};
use tokio::sync::Semaphore;

fn start(root: &TempDir) -> (SharedState, LocalStateStore) {
    let store = LocalStateStore::new(root.path());
    (SharedState::start(Arc::new(store.clone()), State::new(STAGE)), store)
}

/// Adds an app, as a step does that has created one.
fn add(app: usize) -> impl FnOnce(&mut State) {
    move |state| {
        state.applications.insert(format!("app-{app}"), app.to_string());
    }
}

#[tokio::test]
async fn i2_an_update_is_durable_when_it_returns_and_writes_only_changes() {
    let root = tempdir().unwrap();
    let (shared, store) = start(&root);
    shared.update(|_| ()).await.unwrap();
    assert_eq!(store.read(STAGE).await.unwrap(), Some(State::new(STAGE)), "a new state is written though unchanged");
    let length = shared
        .update(|state| {
            state.applications.insert("api".to_owned(), "a".to_owned());
            1
        })
        .await;
    assert_eq!(length.unwrap(), 1);
    assert_eq!(store.read(STAGE).await.unwrap().as_ref(), Some(&*shared.snapshot()));

    let inode = || fs::metadata(file(root.path(), "json")).unwrap().ino();
    let before = inode();
    shared
        .update(|state| {
            state.applications.insert("api".to_owned(), "a".to_owned());
        })
        .await
        .unwrap();
    assert_eq!(inode(), before, "nothing changed, nothing written");
    let loaded = SharedState::load(Arc::new(store.clone()), STAGE).await.unwrap().unwrap();
    loaded.update(|_| ()).await.unwrap();
    assert_eq!(inode(), before, "what was read is not written back");
    assert!(SharedState::load(Arc::new(store), "other").await.unwrap().is_none());
}

#[tokio::test]
async fn i2_a_failed_write_is_undone_in_memory() {
    let root = tempdir().unwrap();
    let (shared, store) = start(&root);
    shared.update(add(1)).await.unwrap();
    let folder = root.path().join(".gkm");
    fs::rename(&folder, root.path().join("away")).unwrap();
    fs::write(&folder, "in the way").unwrap();
    assert_eq!(shared.update(add(2)).await.unwrap_err().code(), ErrorCode::StateIo);
    assert_eq!(shared.snapshot().applications.len(), 1);

    fs::remove_file(&folder).unwrap();
    // After a failure nobody knows what is kept, so an equal state is written as well.
    shared.update(|_| ()).await.unwrap();
    assert_eq!(store.read(STAGE).await.unwrap().as_ref(), Some(&*shared.snapshot()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_updates_side_by_side_are_all_kept() {
    let root = tempdir().unwrap();
    let (shared, store) = start(&root);
    let steps: Vec<_> = (0..40)
        .map(|app| {
            let shared = shared.clone();
            tokio::spawn(async move { shared.update(add(app)).await })
        })
        .collect();
    for step in steps {
        step.await.unwrap().unwrap();
    }
    let kept = store.read(STAGE).await.unwrap().unwrap();
    assert_eq!(kept.applications.len(), 40);
    assert_eq!(kept, *shared.snapshot());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_dropped_update_leaves_memory_and_disk_together() {
    let root = tempdir().unwrap();
    let (shared, store) = start(&root);
    shared.update(|_| ()).await.unwrap();
    for app in 0..60 {
        let wait = Duration::from_micros(app as u64 * 40);
        let _ = tokio::time::timeout(wait, shared.update(add(app))).await;
        // A write under way is waited for by the next update.
        shared.update(|_| ()).await.unwrap();
        assert_eq!(store.read(STAGE).await.unwrap().as_ref(), Some(&*shared.snapshot()), "{app}");
    }
}

/// A provider that writes when it is let, and counts.
struct Slow {
    writes: AtomicUsize,
    may_write: Semaphore,
}

#[async_trait]
impl StateProvider for Slow {
    async fn read(&self, _: &str) -> Result<Option<State>, DeployError> {
        Ok(None)
    }

    async fn write(&self, _: &str, _: &State) -> Result<(), DeployError> {
        self.may_write.acquire().await.unwrap().forget();
        match self.writes.fetch_add(1, Ordering::Relaxed) {
            1 => Err(DeployError::new(ErrorCode::HookFailed, "no")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn i2_changes_that_wait_share_one_write_and_its_failure() {
    let provider = Arc::new(Slow { writes: AtomicUsize::new(0), may_write: Semaphore::new(0) });
    let shared = SharedState::start(provider.clone(), State::new(STAGE));
    provider.may_write.add_permits(3);
    let kept = join_all((0..40).map(|app| shared.update(add(app)))).await;
    assert!(kept.iter().all(Result::is_ok));
    assert_eq!(provider.writes.load(Ordering::Relaxed), 1);
    assert_eq!(shared.snapshot().applications.len(), 40);
    let undone = join_all((40..80).map(|app| shared.update(add(app)))).await;
    assert!(undone.iter().all(|result| result.as_ref().is_err_and(|error| error.code() == ErrorCode::HookFailed)));
    assert_eq!(shared.snapshot().applications.len(), 40);
    shared.update(add(40)).await.unwrap();
    assert_eq!(shared.snapshot().applications.len(), 41, "what was undone stays so");
}

/// A provider of a caller that does not keep what it is given, and that may panic.
struct Unreliable {
    writes: AtomicUsize,
}

#[async_trait]
impl StateProvider for Unreliable {
    async fn read(&self, _: &str) -> Result<Option<State>, DeployError> {
        Ok(Some(State::new("another")))
    }

    async fn write(&self, _: &str, _: &State) -> Result<(), DeployError> {
        match self.writes.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("a hook's own fault"),
            1 => Err(DeployError::new(ErrorCode::HookFailed, "no")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn i2_a_provider_that_fails_or_panics_keeps_the_state_as_it_was() {
    let provider = Arc::new(Unreliable { writes: AtomicUsize::new(0) });
    let error = SharedState::load(provider.clone(), STAGE).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateCorrupt, "a state of another stage is not taken");
    let shared = SharedState::start(provider.clone(), State::new(STAGE));
    assert_eq!(shared.update(add(1)).await.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(shared.update(add(1)).await.unwrap_err().code(), ErrorCode::HookFailed);
    assert!(shared.snapshot().applications.is_empty());
    shared.update(add(1)).await.unwrap();
    assert_eq!(shared.snapshot().applications.len(), 1);
    assert_eq!(provider.writes.load(Ordering::Relaxed), 3);
}
