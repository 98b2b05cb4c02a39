//! Proving isolation on its own, outside a deployment.

use super::frame::{Command, FinishedRun};
use crate::DeployError;
use crate::deploy::context::{RunContext, RunLock};
use crate::deploy::prepare::{Draft, draft_isolation_proof};
use crate::deploy::report::DeployFailure;
use crate::postgres::IsolationReport;
use crate::state::{SharedState, State, StateProvider};
use async_trait::async_trait;
use std::sync::Arc;

/// Runs the proof on the stage's database, by the way that its deployments take.
pub(super) struct VerifyIsolation;

#[async_trait]
impl Command for VerifyIsolation {
    type Report = IsolationReport;

    async fn draft(&self, context: &RunContext) -> Result<Draft, DeployError> {
        draft_isolation_proof(context).await
    }

    /// Reaching the database opens its port, or makes an application.
    fn changes(&self, _draft: &Draft) -> bool {
        true
    }

    async fn save(
        &self,
        _context: &RunContext,
        _lock: &RunLock,
        draft: &Draft,
    ) -> Result<Option<SharedState>, DeployError> {
        Ok(Some(SharedState::start(Arc::new(Unwritten), draft.state.clone())))
    }

    fn report(&self, run: &FinishedRun<'_>) -> IsolationReport {
        let proof = run.resources.roles.as_ref().and_then(|made| made.get()?.isolation);
        proof.unwrap_or_default()
    }

    fn failure(&self, error: DeployError, _report: IsolationReport) -> DeployFailure {
        error.into()
    }
}

/// What is learned on the way is not kept.
struct Unwritten;

#[async_trait]
impl StateProvider for Unwritten {
    async fn read(&self, _stage: &str) -> Result<Option<State>, DeployError> {
        Ok(None)
    }

    async fn write(&self, _stage: &str, _state: &State) -> Result<(), DeployError> {
        Ok(())
    }
}
