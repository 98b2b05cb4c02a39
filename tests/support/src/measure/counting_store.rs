//! What a run writes to the disk.

use async_trait::async_trait;
use deploy_native::DeployError;
use deploy_native::state::{LocalStateStore, State, StateProvider};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The state in its file, counted.
pub struct CountingStore {
    store: LocalStateStore,
    writes: AtomicUsize,
    bytes: AtomicU64,
}

impl CountingStore {
    /// The store of the workspace at `root`.
    pub fn new(root: &Path) -> Self {
        Self { store: LocalStateStore::new(root), writes: AtomicUsize::new(0), bytes: AtomicU64::new(0) }
    }

    /// How often the state was written.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// How many bytes that were.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl StateProvider for CountingStore {
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError> {
        self.store.read(stage).await
    }

    async fn write(&self, stage: &str, state: &State) -> Result<(), DeployError> {
        self.store.write(stage, state).await?;
        self.writes.fetch_add(1, Ordering::Relaxed);
        let length = std::fs::metadata(self.store.path(stage)?).map_or(0, |file| file.len());
        self.bytes.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }
}
