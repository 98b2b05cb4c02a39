//! What every step is given to make its changes with.

use super::create_once::{create_once, create_unsettled};
use crate::DeployError;
use crate::deploy::context::{Leases, Marks, Reporter, iso_millis};
use crate::deploy::request::Surroundings;
use crate::dokploy::{ApiError, Dokploy};
use crate::plan::Step;
use crate::secrets::Entropy;
use crate::state::{Entry, Intent, Journal, Outcome, SharedState};
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// What the steps of a run share.
pub(crate) struct StepServices {
    /// The server.
    pub(crate) client: Dokploy,
    /// The state, durable after each update (I2).
    pub(crate) state: SharedState,
    /// What is under way.
    pub(crate) journal: Journal,
    /// When the run began, as the CLI writes it.
    pub(crate) begun: String,
    /// Tells the caller what happens.
    pub(crate) reporter: Reporter,
    /// The marks of the stage's resources.
    pub(crate) marks: Marks,
    /// Programs, time limits, clock, randomness.
    pub(crate) surroundings: Surroundings,
    /// Work that goes on after a cancelled run: closing a database port, deleting a job.
    pub(crate) cleanup: TaskTracker,
    /// The leases of the run.
    pub(crate) leases: Arc<Leases>,
}

/// One step and what it makes its changes with.
#[derive(Clone, Copy)]
pub(crate) struct StepContext<'a> {
    services: &'a StepServices,
    /// The step.
    pub(crate) step: &'a Step,
}

impl Deref for StepContext<'_> {
    type Target = StepServices;

    fn deref(&self) -> &StepServices {
        self.services
    }
}

impl StepServices {
    /// The time, as the CLI writes it.
    pub(crate) fn now(&self) -> String {
        iso_millis((self.surroundings.now)())
    }

    /// The randomness.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.surroundings.entropy.as_ref()
    }
}

impl<'a> StepContext<'a> {
    /// The context of one step.
    pub(crate) const fn new(services: &'a StepServices, step: &'a Step) -> Self {
        Self { services, step }
    }

    /// Tells the caller where the step is.
    pub(crate) fn progress(&self, progress: impl AsRef<str>) {
        self.reporter.progress(self.step, progress.as_ref());
    }

    /// Passes on a line of a log.
    pub(crate) fn log(&self, line: &str) {
        self.reporter.log(self.step, line);
    }

    /// Announces a change in the journal.
    ///
    /// # Errors
    ///
    /// `STATE_IO`.
    pub(crate) async fn intend(&self, intent: Intent) -> Result<Entry, DeployError> {
        self.journal.intend(self.step.id.as_str(), intent).await
    }

    /// Makes a change that may be repeated, between its journal entries. One that fails stays unfinished: it is not known
    /// how far it came, and the next run looks before it repeats it.
    ///
    /// # Errors
    ///
    /// Those of the change, and `STATE_IO` when the journal cannot be written.
    pub(crate) async fn journaled<T, E: Into<DeployError>>(
        &self,
        intent: Intent,
        change: impl Future<Output = Result<T, E>>,
    ) -> Result<T, DeployError> {
        let entry = self.intend(intent).await?;
        let value = change.await.map_err(Into::into)?;
        self.journal.settle(&entry, Outcome::Done).await?;
        Ok(value)
    }

    /// Creates something exactly once; see [`create_once`].
    ///
    /// # Errors
    ///
    /// As [`create_once`].
    pub(crate) async fn create_once<T, Send, Sent, Find, Found>(
        &self,
        intent: Intent,
        send: Send,
        find: Find,
    ) -> Result<T, DeployError>
    where
        Send: Fn() -> Sent,
        Sent: Future<Output = Result<T, ApiError>>,
        Find: Fn() -> Found,
        Found: Future<Output = Result<Option<T>, DeployError>>,
    {
        create_once(&self.journal, &self.step.id, intent, self.surroundings.landing, send, find).await
    }

    /// As [`Self::create_once`]; the journal entry stays unfinished, to be settled by the caller.
    ///
    /// # Errors
    ///
    /// As [`create_once`].
    pub(crate) async fn create_unsettled<T, Send, Sent, Find, Found>(
        &self,
        intent: Intent,
        send: Send,
        find: Find,
    ) -> Result<(T, Entry), DeployError>
    where
        Send: Fn() -> Sent,
        Sent: Future<Output = Result<T, ApiError>>,
        Find: Fn() -> Found,
        Found: Future<Output = Result<Option<T>, DeployError>>,
    {
        create_unsettled(&self.journal, &self.step.id, intent, self.surroundings.landing, send, find).await
    }
}
