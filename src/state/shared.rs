//! The state of a run, shared by its steps: memory and what is kept never part.

use super::{StageLock, State, StateProvider};
use crate::{DeployError, ErrorCode};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

/// The state of a stage while a run works on it.
///
/// What [`SharedState::snapshot`] shows is durable. Cheap to clone; clones share one state.
#[derive(Clone)]
pub struct SharedState {
    provider: Arc<dyn StateProvider>,
    stage: Arc<str>,
    /// What is kept for certain.
    kept: Arc<RwLock<Arc<State>>>,
    /// Held while a change is written; changes follow one another.
    writing: Arc<Mutex<Writing>>,
    /// Kept, not used: a write that outlives its run never meets those of the next.
    lock: Option<StageLock>,
}

/// What is known of the last write.
#[derive(Default)]
struct Writing {
    /// Whether a failed write may have taken effect all the same, so that equal states must be written too.
    unsure: bool,
}

impl std::fmt::Debug for SharedState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SharedState").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl SharedState {
    /// Reads the state of `stage`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// Those of the provider; `STATE_CORRUPT` when it gave the state of another stage.
    pub async fn load(provider: Arc<dyn StateProvider>, stage: &str) -> Result<Option<Self>, DeployError> {
        let Some(state) = provider.read(stage).await? else { return Ok(None) };
        if let Some(mismatch) = state.mismatch(stage) {
            let message = format!("The state that its provider gave {mismatch}");
            return Err(DeployError::new(ErrorCode::StateCorrupt, message).hint("Check what the state provider reads"));
        }
        Ok(Some(Self::with(provider, stage, state, false)))
    }

    /// Starts from a state that is not kept yet: a new one, or one recovered from the server.
    ///
    /// The first [`SharedState::update`] writes it, whether that changes it or not.
    pub fn start(provider: Arc<dyn StateProvider>, state: State) -> Self {
        let stage = state.stage.clone();
        Self::with(provider, &stage, state, true)
    }

    fn with(provider: Arc<dyn StateProvider>, stage: &str, state: State, unsure: bool) -> Self {
        Self {
            provider,
            stage: Arc::from(stage),
            kept: Arc::new(RwLock::new(Arc::new(state))),
            writing: Arc::new(Mutex::new(Writing { unsure })),
            lock: None,
        }
    }

    /// Keeps the stage's lock until the last write has ended.
    #[must_use]
    pub fn under(mut self, lock: StageLock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// The state as it is kept; never waits for a write.
    pub fn snapshot(&self) -> Arc<State> {
        Arc::clone(&self.kept.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and writes it; it is durable when this has returned (I2). Nothing changed: nothing written.
    ///
    /// Changes are made one after another, each on the outcome of the one before. When the write fails, the change is
    /// undone. When the future is dropped before the write has begun, nothing happens; after that the write goes on to
    /// its end, and memory follows it.
    ///
    /// # Errors
    ///
    /// Those of the provider.
    pub async fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, DeployError> {
        let mut writing = Arc::clone(&self.writing).lock_owned().await;
        let before = self.snapshot();
        let mut next = State::clone(&before);
        let value = change(&mut next);
        if next == *before && !writing.unsure {
            return Ok(value);
        }
        let this = self.clone();
        let task = tokio::spawn(async move {
            // Stays so when the provider panics.
            writing.unsure = true;
            this.provider.write(&this.stage, &next).await?;
            *this.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            writing.unsure = false;
            Ok(())
        });
        match task.await {
            Ok(result) => result.map(|()| value),
            Err(error) => Err(DeployError::new(ErrorCode::Internal, "Writing the state stopped").caused_by(&error)),
        }
    }
}
