//! The stage's lock while a run lives, and until its clean-up in the background is done.

use super::run::RunContext;
use crate::DeployError;
use crate::secrets::generate_secret;
use crate::state::{LockOwner, StageLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The stage's lock, and the work that must outlive a cancelled run: closing a database port, deleting a job.
///
/// Dropped, it frees the lock in the background, as [`RunLock::release`] does.
pub(crate) struct RunLock {
    stage: StageLock,
    cleanup: TaskTracker,
    released: bool,
}

impl RunLock {
    /// Takes the lock of the context's stage.
    ///
    /// # Errors
    ///
    /// `STATE_LOCKED` when another run holds it, `STATE_IO`.
    pub(crate) async fn acquire(context: &RunContext) -> Result<Self, DeployError> {
        let run: String = generate_secret(context.entropy()).expose().chars().take(12).collect();
        let owner = LockOwner::this_process(run, context.now());
        let stage = StageLock::acquire(&context.request.workspace.root, context.stage(), owner).await?;
        Ok(Self { stage, cleanup: TaskTracker::new(), released: false })
    }

    /// The lock, for what writes under it.
    pub(crate) const fn stage(&self) -> &StageLock {
        &self.stage
    }

    /// Where work is spawned that goes on after the run was cancelled.
    pub(crate) const fn cleanup(&self) -> &TaskTracker {
        &self.cleanup
    }

    /// Frees the lock once the clean-up is done; waits for that no longer than `patience`. What takes longer goes on in
    /// the background, and the next run of this process waits for it.
    pub(crate) async fn release(mut self, patience: Duration) {
        let freed = self.free_after_cleanup();
        // Not in time is no failure.
        let _ = timeout(patience, freed.cancelled()).await;
    }

    /// Begins to free the lock; what is returned fires when it is free.
    fn free_after_cleanup(&mut self) -> CancellationToken {
        self.released = true;
        let freed = self.stage.end();
        self.cleanup.close();
        if let Ok(runtime) = Handle::try_current() {
            let (cleanup, stage) = (self.cleanup.clone(), self.stage.clone());
            runtime.spawn(async move {
                cleanup.wait().await;
                drop(stage);
            });
        }
        freed
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if !self.released {
            self.free_after_cleanup();
        }
    }
}
