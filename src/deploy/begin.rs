//! How a run begins and how it lets go: the stage's lock, the journal, and what an interrupted run left in the middle.

use super::port::{PortTarget, close_interrupted};
use super::ready::Ready;
use crate::DeployError;
use crate::secrets::generate_secret;
use crate::state::{Entry, Intent, Journal, LockOwner, Outcome, StageLock, is_exposed_to_git};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::task::TaskTracker;

/// Holds what must outlive a cancelled run: the lock, until cleaning up is done.
#[derive(Default)]
pub(super) struct Hold {
    lock: Mutex<Option<Arc<StageLock>>>,
    pub(super) cleanup: TaskTracker,
}

impl Hold {
    fn keep(&self, lock: &Arc<StageLock>) {
        if let Ok(mut kept) = self.lock.lock() {
            *kept = Some(Arc::clone(lock));
        }
    }

    /// Lets go of the lock once cleaning up is done; waits for that no longer than `patience`.
    pub(super) async fn release(self, patience: Duration) {
        self.cleanup.close();
        let released = tokio::spawn(async move {
            self.cleanup.wait().await;
            drop(self.lock);
        });
        let _ = tokio::time::timeout(patience, released).await;
    }
}

/// Takes the lock, opens the journal, and sets right what an interrupted run left in the middle.
///
/// # Errors
///
/// `STATE_LOCKED`, `STATE_CORRUPT`, `STATE_IO`, and what closing a port fails with.
pub(super) async fn begin(ready: &Ready, hold: &Hold) -> Result<Journal, DeployError> {
    let root = &ready.request.workspace.root;
    let owner = LockOwner::this_process(run_id(ready), ready.now());
    let lock = Arc::new(StageLock::acquire(root, ready.stage(), owner).await?);
    hold.keep(&lock);
    let journal = Journal::open(&lock, ready.options.surroundings.now).await?;
    let unfinished = journal.unfinished().await?;
    for entry in unfinished {
        settle(ready, &journal, &entry).await?;
    }
    if is_exposed_to_git(&ready.options.surroundings.git, root, ready.stage()).await {
        ready.warn("state-exposed", "git would not ignore the state file: add `.gkm/` to .gitignore", None);
    }
    Ok(journal)
}

fn run_id(ready: &Ready) -> String {
    generate_secret(ready.options.surroundings.entropy.as_ref()).expose().chars().take(12).collect()
}

/// Sets right one thing that an interrupted run left in the middle.
async fn settle(ready: &Ready, journal: &Journal, entry: &Entry) -> Result<(), DeployError> {
    let landing = ready.options.surroundings.landing;
    match &entry.intent {
        Intent::OpenDatabasePort { postgres_id, port, until } => {
            ready.warn("port-left-open", "an interrupted run may have left the database's port open: closing it", None);
            let target = PortTarget {
                client: ready.client.clone(),
                postgres_id: postgres_id.clone(),
                host: ready.database_host(),
                landing,
            };
            close_interrupted(&target, *port, until, ready.now()).await?;
        }
        // Such a request may still take effect: looking before it can have would miss what it makes (facts: aborted create).
        Intent::Create { .. } => {
            let begun = OffsetDateTime::parse(&entry.at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let rest = Duration::try_from(begun + landing - ready.now()).unwrap_or_default();
            tokio::time::sleep(rest.min(landing)).await;
        }
        // Sending any of these again, or seeing that it is not needed, is what the plan is for.
        _ => {}
    }
    journal.settle(entry, Outcome::Done).await
}
