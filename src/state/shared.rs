//! The state of a run, shared by its steps: memory and what is kept never part.

use super::format::State;
use super::{StageLock, StateProvider};
use crate::{DeployError, ErrorCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;

/// The number of apps from which on changes are gathered before they are written, for a millisecond an app.
const MANY_APPS: usize = 64;
/// The longest time for which they are.
const LONGEST_PAUSE: Duration = Duration::from_millis(300);

/// The state of a stage while a run works on it.
///
/// What [`SharedState::snapshot`] shows is durable. Cheap to clone; clones share one state.
#[derive(Clone)]
pub struct SharedState {
    provider: Arc<dyn StateProvider>,
    stage: Arc<str>,
    /// What is kept for certain.
    kept: Arc<RwLock<Arc<State>>>,
    pending: Arc<Mutex<Pending>>,
    /// Held while the state is written; one write takes every change along that waits for it.
    writing: Arc<AsyncMutex<()>>,
    /// Kept, not used: a write that outlives its run never meets those of the next.
    lock: Option<StageLock>,
}

/// What is to be kept, and what became of the changes that led to it. Changes are counted from 1.
struct Pending {
    /// What is kept, with every change that is not written yet.
    state: Arc<State>,
    /// How many changes there were.
    changes: u64,
    /// How many of them are written or undone.
    settled: u64,
    /// The first and the last of changes that were undone, and why.
    undone: Vec<(u64, u64, DeployError)>,
    /// Whether a failed write may have taken effect all the same, so that an equal state must be written too.
    unsure: bool,
}

impl Pending {
    /// Makes a change; returns its number, or that of the last one when it changes nothing.
    fn change<T>(&mut self, change: impl FnOnce(&mut State) -> T) -> (T, u64) {
        let mut next = State::clone(&self.state);
        let value = change(&mut next);
        if next != *self.state {
            self.state = Arc::new(next);
            self.changes += 1;
        } else if self.unsure && self.settled == self.changes {
            self.changes += 1;
        }
        (value, self.changes)
    }

    /// What became of a change, if that is known.
    fn outcome(&self, change: u64) -> Option<Result<(), DeployError>> {
        if change > self.settled {
            return None;
        }
        let undone = self.undone.iter().find(|(first, last, _)| (*first..=*last).contains(&change));
        Some(undone.map_or(Ok(()), |(_, _, error)| Err(error.clone())))
    }

    fn written(&mut self, last: u64) {
        self.settled = last;
        self.unsure = false;
    }

    /// Goes back to what is kept; changes that were made during the failed write were made on what it was to write.
    fn undo(&mut self, kept: Arc<State>, error: DeployError) {
        self.undone.push((self.settled + 1, self.changes, error));
        self.settled = self.changes;
        self.state = kept;
        self.unsure = true;
    }
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
        let state = Arc::new(state);
        let pending = Pending { state: Arc::clone(&state), changes: 0, settled: 0, undone: Vec::new(), unsure };
        Self {
            provider,
            stage: Arc::from(stage),
            kept: Arc::new(RwLock::new(state)),
            pending: Arc::new(Mutex::new(pending)),
            writing: Arc::default(),
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
    /// Changes are made one after another, each on the outcome of the one before; those that come during a write share
    /// the next. When a write fails, every change that is not kept yet is undone. When the future is dropped, the change
    /// may still be kept; a write that has begun goes on to its end, and memory follows it.
    ///
    /// # Errors
    ///
    /// Those of the provider.
    pub async fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, DeployError> {
        let (value, number) = self.pending().change(change);
        if let Some(outcome) = self.outcome(number) {
            return outcome.map(|()| value);
        }
        let writing = Arc::clone(&self.writing).lock_owned().await;
        // The write that this one waited for may have taken the change along.
        if let Some(outcome) = self.outcome(number) {
            return outcome.map(|()| value);
        }
        let this = self.clone();
        let task = tokio::spawn(async move {
            this.write().await;
            drop(writing);
        });
        match task.await {
            Ok(()) => self.outcome(number).unwrap_or(Ok(())).map(|()| value),
            Err(error) => Err(DeployError::new(ErrorCode::Internal, "Writing the state stopped").caused_by(&error)),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(&self, change: u64) -> Option<Result<(), DeployError>> {
        self.pending().outcome(change)
    }

    /// Writes what is pending.
    async fn write(&self) {
        let pause = pause_before(self.snapshot().applications.len());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let (next, last) = {
            let pending = self.pending();
            (Arc::clone(&pending.state), pending.changes)
        };
        let (this, state) = (self.clone(), Arc::clone(&next));
        // A task of its own, so that a provider that panics has failed.
        let task = tokio::spawn(async move { this.provider.write(&this.stage, &state).await });
        let written = task.await.unwrap_or_else(|error| {
            Err(DeployError::new(ErrorCode::Internal, "Writing the state stopped").caused_by(&error))
        });
        let mut pending = self.pending();
        match written {
            Ok(()) => {
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) = next;
                pending.written(last);
            }
            Err(error) => pending.undo(self.snapshot(), error),
        }
    }
}

/// How long changes are gathered before they are written: a state of n apps that is written for each of them would be
/// n times n bytes.
fn pause_before(apps: usize) -> Duration {
    if apps < MANY_APPS {
        return Duration::ZERO;
    }
    Duration::from_millis(apps.try_into().unwrap_or(u64::MAX)).min(LONGEST_PAUSE)
}
