//! Rolling back: apps go back to earlier deployments that were seen running, image and values included.

use super::deployment_report::deployment_report;
use super::frame::{Command, FinishedRun};
use super::put_back::rolled_back;
use super::saving::save_draft;
use crate::DeployError;
use crate::deploy::context::{RunContext, RunLock};
use crate::deploy::prepare::{Draft, draft_rollback};
use crate::deploy::report::{AppReport, DeployFailure, DeployReport};
use crate::state::SharedState;
use async_trait::async_trait;

/// Brings earlier deployments back.
pub(super) struct Rollback {
    /// Where to; `None`: each app by one.
    pub(super) to: Option<String>,
}

#[async_trait]
impl Command for Rollback {
    type Report = DeployReport;

    async fn draft(&self, context: &RunContext) -> Result<Draft, DeployError> {
        let draft = Box::pin(draft_rollback(context, self.to.as_deref())).await?;
        context.check_expected(&draft.blueprint.plan)?;
        Ok(draft)
    }

    async fn save(
        &self,
        context: &RunContext,
        lock: &RunLock,
        draft: &Draft,
    ) -> Result<Option<SharedState>, DeployError> {
        if draft.blueprint.plan.changes == 0 {
            return Ok(None);
        }
        save_draft(context, lock, draft).await.map(Some)
    }

    fn report(&self, run: &FinishedRun<'_>) -> DeployReport {
        DeployReport { rolled_back: rolled_back(run.draft, &run.outcome, &run.resources), ..deployment_report(run) }
    }

    fn apps<'r>(&self, report: &'r DeployReport) -> &'r [AppReport] {
        &report.apps
    }

    fn failure(&self, error: DeployError, report: DeployReport) -> DeployFailure {
        DeployFailure { error, report: Some(Box::new(report)) }
    }
}
