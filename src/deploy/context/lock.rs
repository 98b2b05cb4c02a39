//! The stage's lock while a run lives, and until its clean-up in the background is done.

use super::leases::Leases;
use super::run::RunContext;
use crate::secrets::generate_secret;
use crate::state::{LockOwner, StageLock};
use crate::{DeployError, ErrorCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often a lock of this machine is tried again that another run holds.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// The stage's lock on this machine, its leases on the server, and the work that must outlive a cancelled run: closing a
/// database port, deleting a job.
///
/// Dropped, it frees them in the background, as [`RunLock::release`] does.
pub(crate) struct RunLock {
    stage: StageLock,
    cleanup: TaskTracker,
    leases: Arc<Leases>,
    released: bool,
}

impl RunLock {
    /// Takes the lock of the context's stage on this machine; waits for it as long as the options say.
    ///
    /// # Errors
    ///
    /// `STATE_LOCKED` when another run holds it, `STATE_IO`.
    pub(crate) async fn acquire(context: &RunContext) -> Result<Self, DeployError> {
        let run: String = generate_secret(context.entropy()).expose().chars().take(12).collect();
        let owner = LockOwner::this_process(run, context.now());
        let wait_until = Instant::now() + context.options.wait_for_lock;
        let stage = acquire_by(context, &owner, wait_until).await?;
        let cleanup = TaskTracker::new();
        let leases = Arc::new(Leases::new(owner, wait_until, cleanup.clone()));
        Ok(Self { stage, cleanup, leases, released: false })
    }

    /// The lock, for what writes under it.
    pub(crate) const fn stage(&self) -> &StageLock {
        &self.stage
    }

    /// Where work is spawned that goes on after the run was cancelled.
    pub(crate) const fn cleanup(&self) -> &TaskTracker {
        &self.cleanup
    }

    /// The leases on the server.
    pub(crate) const fn leases(&self) -> &Arc<Leases> {
        &self.leases
    }

    /// Frees the lock once the clean-up is done; waits for that no longer than `patience`. What takes longer goes on in
    /// the background, and the next run of this process waits for it.
    pub(crate) async fn release(mut self, patience: Duration) {
        let freed = self.free_after_cleanup();
        // It is free only when nobody keeps it any more, and that includes us.
        drop(self);
        // Not in time is no failure.
        let _ = timeout(patience, freed.cancelled()).await;
    }

    /// Begins to free the lock; what is returned fires when it is free.
    fn free_after_cleanup(&mut self) -> CancellationToken {
        self.released = true;
        let freed = self.stage.end();
        self.cleanup.close();
        if let Ok(runtime) = Handle::try_current() {
            let (cleanup, leases, stage) = (self.cleanup.clone(), Arc::clone(&self.leases), self.stage.clone());
            runtime.spawn(async move {
                cleanup.wait().await;
                leases.release().await;
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

async fn acquire_by(context: &RunContext, owner: &LockOwner, wait_until: Instant) -> Result<StageLock, DeployError> {
    let mut told = None;
    loop {
        let acquired = StageLock::acquire(&context.request.workspace.root, context.stage(), owner.clone()).await;
        let left = wait_until.saturating_duration_since(Instant::now());
        let error = match acquired {
            Err(error) if error.code() == ErrorCode::StateLocked && !left.is_zero() => error,
            acquired => return acquired,
        };
        if told.as_deref() != Some(error.message()) {
            context.reporter.waiting(error.message());
            told = Some(error.message().to_owned());
        }
        sleep(TRY_EVERY.min(left)).await;
    }
}
