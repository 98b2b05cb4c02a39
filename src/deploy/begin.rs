//! How a run begins and how it lets go: the stage's lock, the journal, and what an interrupted run left in the middle.

use super::port::{PortTarget, close_interrupted};
use super::ready::Ready;
use crate::secrets::generate_secret;
use crate::state::{
    Entry, Intent, Journal, LockOwner, Outcome, ResourceKind, SharedState, StageLock, State, is_exposed_to_git,
};
use crate::{DeployError, ErrorCode};
use std::sync::OnceLock;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Holds what must outlive a cancelled run: the lock, until cleaning up is done.
///
/// Dropped, it lets go of the lock in the background, as [`Hold::release`] does.
#[derive(Default)]
pub(super) struct Hold {
    lock: OnceLock<StageLock>,
    pub(super) cleanup: TaskTracker,
}

impl Hold {
    /// The stage's lock.
    ///
    /// # Errors
    ///
    /// `INTERNAL` before [`begin`].
    pub(super) fn lock(&self) -> Result<StageLock, DeployError> {
        let missing = || DeployError::new(ErrorCode::Internal, "The run has no lock");
        self.lock.get().cloned().ok_or_else(missing)
    }

    /// Lets go of the lock once cleaning up is done; waits for that no longer than `patience`. What takes longer goes on
    /// in the background, and the next run of this process waits for it.
    pub(super) async fn release(mut self, patience: Duration) {
        if let Some(released) = self.let_go() {
            // Not in time is no failure.
            let _ = timeout(patience, released.cancelled()).await;
        }
    }

    /// Starts letting go; what is returned fires when the lock is free.
    fn let_go(&mut self) -> Option<CancellationToken> {
        let lock = self.lock.take()?;
        let released = lock.end();
        self.cleanup.close();
        if let Ok(runtime) = Handle::try_current() {
            let cleanup = self.cleanup.clone();
            runtime.spawn(async move {
                cleanup.wait().await;
                drop(lock);
            });
        }
        Some(released)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.let_go();
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
    let lock = StageLock::acquire(root, ready.stage(), owner).await?;
    let lock = hold.lock.get_or_init(|| lock);
    let journal = Journal::open(lock, ready.options.surroundings.now).await?;
    let unfinished = journal.unfinished().await?;
    // First what must not stay as it is, whatever the server says to the rest.
    let (domains, others): (Vec<_>, Vec<_>) =
        unfinished.into_iter().partition(|entry| matches!(entry.intent, Intent::AttachDomain { .. }));
    for entry in others {
        settle(ready, &journal, &entry).await?;
    }
    for entry in domains {
        adopt(ready, lock, &journal, &entry).await?;
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
                starting: ready.options.surroundings.database_deadline,
                now: ready.options.surroundings.now,
            };
            close_interrupted(&target, *port, until, ready.now()).await?;
        }
        // Such a request may still take effect: looking before it can have would miss what it makes, takes away or
        // restarts (facts: aborted create).
        Intent::Create { .. }
        | Intent::Delete { .. }
        | Intent::Update { resource: ResourceKind::Postgres | ResourceKind::Redis, .. } => landed(ready, entry).await,
        // Sending any of these again, or seeing that it is not needed, is what the plan is for.
        _ => {}
    }
    journal.settle(entry, Outcome::Done).await
}

/// Waits until a request that may still be under way has taken effect, if it ever does.
async fn landed(ready: &Ready, entry: &Entry) {
    let landing = ready.options.surroundings.landing;
    let begun = OffsetDateTime::parse(&entry.at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let rest = Duration::try_from(begun + landing - ready.now()).unwrap_or_default();
    tokio::time::sleep(rest.min(landing)).await;
}

/// What became of a domain that an interrupted run was about to attach.
pub(super) enum Adoption {
    /// It is attached, and ours: host name and id.
    Of(String, String),
    /// It is not, or the state knows it already.
    None,
    /// The server does not know an application that the state knows: nothing can be said.
    Unknown,
}

/// Finds out what became of a domain that an interrupted run was about to attach. Makes only reads.
pub(super) async fn adoption(ready: &Ready, state: &State, intent: &Intent) -> Result<Adoption, DeployError> {
    let Intent::AttachDomain { application_id, host } = intent else { return Ok(Adoption::None) };
    if !state.applications.values().any(|id| id == application_id) {
        return Ok(Adoption::None);
    }
    let attached = match ready.client.domain().by_application_id(application_id).await {
        Err(error) if error.is_not_found() => return Ok(Adoption::Unknown),
        attached => attached?,
    };
    // There was none when the run looked. Of several nobody can say which one is ours.
    let mut at_host = attached.into_iter().filter(|domain| domain.host.eq_ignore_ascii_case(host));
    Ok(match (at_host.next(), at_host.next()) {
        (Some(only), None) if !state.deploy_native.domains.has(&only.domain_id) => {
            Adoption::Of(host.clone(), only.domain_id)
        }
        _ => Adoption::None,
    })
}

/// Remembers that a domain is ours which an interrupted run has attached, and had no time to remember (I8).
async fn adopt(ready: &Ready, lock: &StageLock, journal: &Journal, entry: &Entry) -> Result<(), DeployError> {
    landed(ready, entry).await;
    // Without a state there is nothing to write it to: the entry waits for one.
    let Some(shared) = SharedState::load(ready.provider(), ready.stage()).await? else { return Ok(()) };
    let shared = shared.under(lock.clone());
    match adoption(ready, &shared.snapshot(), &entry.intent).await? {
        Adoption::Of(host, id) => shared.update(|state| state.deploy_native.domains.insert(host, id)).await?,
        Adoption::None => {}
        Adoption::Unknown => return Ok(()),
    }
    journal.settle(entry, Outcome::Done).await
}
