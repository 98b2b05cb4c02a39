//! The leases of a run on the server: of its stage, and while it makes or removes it, of its project (I11).

use super::run::RunContext;
use crate::DeployError;
use crate::lease::{Lease, LeaseName, LeaseRequest, Leased, take};
use crate::state::{ChangeGuard, Entry, Intent, Journal, LockOwner, Outcome};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How much longer than the lease of a dead run the project's is waited for: it is held for moments only.
const PROJECT_PATIENCE: Duration = Duration::from_secs(20);

/// What a run has to hold before it changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LeaseNeeds {
    /// The stage.
    pub(crate) stage: bool,
    /// The project, which the stages of a workspace share.
    pub(crate) project: bool,
}

/// The leases that a run holds.
#[derive(Debug)]
pub(crate) struct Leases {
    owner: LockOwner,
    /// Until when another run is waited for.
    wait_until: Instant,
    cleanup: TaskTracker,
    stage: Mutex<Option<Held>>,
    project: Mutex<Option<Held>>,
    /// Fires when that of the stage is ours no more.
    over: CancellationToken,
    /// Whether nothing can be leased with this server and this key.
    unavailable: AtomicBool,
}

/// A lease, and the journal's entry that the next run finds if this one dies.
#[derive(Debug)]
struct Held {
    lease: Lease,
    journal: Journal,
    entry: Entry,
}

impl Leases {
    pub(super) fn new(owner: LockOwner, wait_until: Instant, cleanup: TaskTracker) -> Self {
        Self {
            owner,
            wait_until,
            cleanup,
            stage: Mutex::default(),
            project: Mutex::default(),
            over: CancellationToken::new(),
            unavailable: AtomicBool::new(false),
        }
    }

    /// Takes what is needed and not held yet; says whether that was anything. Somebody else may have changed the server
    /// until then.
    ///
    /// A run that the journal says was interrupted is known to be dead: the stage's lock on this machine is ours.
    ///
    /// # Errors
    ///
    /// `STATE_LOCKED` when another run holds it, `STATE_IO`, `DOKPLOY_*`.
    pub(crate) async fn take(
        &self,
        context: &RunContext,
        journal: &Journal,
        needs: LeaseNeeds,
    ) -> Result<bool, DeployError> {
        let (workspace, stage) = (&context.request.workspace.name, context.stage());
        let mut taken = false;
        // Never the other way round: two runs that each hold one would wait for each other.
        if needs.stage && self.is_free(&self.stage) {
            let wait = self.wait_until.saturating_duration_since(Instant::now());
            let held = self.lease(context, journal, LeaseName::stage(workspace, stage), wait).await?;
            taken |= held.is_some();
            *slot(&self.stage) = held;
        }
        if needs.project && self.is_free(&self.project) {
            let terms = &context.options.surroundings;
            let dead = terms.lease.term + terms.landing + PROJECT_PATIENCE;
            let wait = self.wait_until.saturating_duration_since(Instant::now()).max(dead);
            let held = self.lease(context, journal, LeaseName::project(workspace), wait).await?;
            taken |= held.is_some();
            *slot(&self.project) = held;
        }
        Ok(taken)
    }

    fn is_free(&self, lease: &Mutex<Option<Held>>) -> bool {
        slot(lease).is_none() && !self.unavailable.load(Ordering::SeqCst)
    }

    async fn lease(
        &self,
        context: &RunContext,
        journal: &Journal,
        name: LeaseName,
        wait: Duration,
    ) -> Result<Option<Held>, DeployError> {
        let interrupted = journal.unfinished().await?.into_iter().filter_map(|entry| dead_run(&entry, &name));
        let surroundings = &context.options.surroundings;
        let over = if name.is_project() { CancellationToken::new() } else { self.over.clone() };
        let request = LeaseRequest {
            machine: self.owner.host.clone(),
            process: self.owner.pid,
            run: self.owner.run_id.clone(),
            started_at: self.owner.started_at.clone(),
            dead: interrupted.collect(),
            wait,
            landing: surroundings.landing,
            over,
            settings: surroundings.lease,
            name,
        };
        let intent = Intent::HoldLease { lease: request.name.tag().to_owned(), run: request.run.clone() };
        let entry = journal.intend("lease", intent).await?;
        match take(&context.client, &request, &self.cleanup, |holder| context.reporter.waiting(holder)).await {
            // Without its guard, which is us: we would keep ourselves, and the stage's lock, for ever.
            Ok(Leased::Ours(lease)) => Ok(Some(Held { lease, journal: journal.unguarded(), entry })),
            Ok(Leased::Unavailable(why)) => {
                journal.settle(&entry, Outcome::NotDone).await?;
                self.do_without(context, &why);
                Ok(None)
            }
            Err(error) => {
                journal.settle(&entry, Outcome::NotDone).await?;
                Err(error)
            }
        }
    }

    /// Says once that runs on other machines are not kept out.
    fn do_without(&self, context: &RunContext, why: &str) {
        self.unavailable.store(true, Ordering::SeqCst);
        let message = format!(
            "Runs on other machines are not kept out of stage `{}`, only those on this one: {why}. It takes a key that may \
             make tags: an owner's or an admin's",
            context.stage()
        );
        context.reporter.warn("lease-unavailable", &message, None);
    }

    /// Waits until the stage's lease is ours no more; for ever when it was never ours.
    pub(crate) async fn lost(&self) -> DeployError {
        self.over.cancelled().await;
        match self.check() {
            Err(error) => error,
            // It is over for good.
            Ok(()) => std::future::pending().await,
        }
    }

    /// Gives the project's lease back in the background: what of it was to be made is there.
    pub(crate) fn project_is_settled(&self) {
        if let Some(held) = slot(&self.project).take() {
            self.cleanup.spawn(async move { held.release().await });
        }
    }

    /// Gives back what is held.
    pub(super) async fn release(&self) {
        let (stage, project) = (slot(&self.stage).take(), slot(&self.project).take());
        let release = |held: Option<Held>| async {
            if let Some(held) = held {
                held.release().await;
            }
        };
        tokio::join!(release(stage), release(project));
    }
}

/// The run that an entry says has held a lease of this name.
fn dead_run(entry: &Entry, name: &LeaseName) -> Option<String> {
    match &entry.intent {
        Intent::HoldLease { lease, run } if lease == name.tag() => Some(run.clone()),
        _ => None,
    }
}

impl ChangeGuard for Leases {
    fn check(&self) -> Result<(), DeployError> {
        slot(&self.stage).as_ref().map_or(Ok(()), |held| held.lease.check())
    }
}

impl Held {
    /// Gives it back; what the server was not seen to know stays in the journal, for the next run.
    async fn release(self) {
        if self.lease.release().await {
            // What is not written is found again by the next run, as if this one had died.
            let _ = self.journal.settle(&self.entry, Outcome::Done).await;
            let _ = self.journal.compact().await;
        }
    }
}

fn slot(lease: &Mutex<Option<Held>>) -> MutexGuard<'_, Option<Held>> {
    lease.lock().unwrap_or_else(PoisonError::into_inner)
}
