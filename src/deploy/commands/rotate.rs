//! Rotating credentials: other values for apps that run, and nothing else about them.

use super::frame::{Command, FinishedRun};
use crate::DeployError;
use crate::deploy::context::{RunContext, RunLock};
use crate::deploy::prepare::{DATABASE_URL, Draft, count_run, draft_rotation};
use crate::deploy::report::{DatabaseAccessReport, DeployFailure, RotatedApp, RotationReport};
use crate::deploy::request::RotationChoice;
use crate::state::SharedState;
use async_trait::async_trait;
use std::sync::Arc;

/// Rotates credentials, and finishes the rotations that an interrupted run began.
pub(super) struct RotateCredentials {
    /// Which kinds.
    pub(super) choice: RotationChoice,
}

#[async_trait]
impl Command for RotateCredentials {
    type Report = RotationReport;

    async fn draft(&self, context: &RunContext) -> Result<Draft, DeployError> {
        let draft = draft_rotation(context, &self.choice).await?;
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
        let provider = Arc::clone(&context.state_provider);
        let shared = SharedState::start_at(provider, draft.state.clone(), context.read_version());
        let shared = shared.under(lock.stage().clone());
        shared.update(|state| count_run(state, context.entropy())).await?;
        Ok(Some(shared))
    }

    fn report(&self, run: &FinishedRun<'_>) -> RotationReport {
        let apps = run.draft.desired.rotations.iter().map(|(app, rotation)| {
            let left = run.state.deploy_native.rotations.get(app);
            let mut credentials: Vec<String> = rotation.login.iter().map(|_| DATABASE_URL.to_owned()).collect();
            credentials.extend(rotation.secrets.iter().cloned());
            let error = run.outcome.failed.values().find(|error| error.app_name() == Some(app));
            RotatedApp {
                app_name: app.clone(),
                credentials,
                finished: left.is_none(),
                reason: error.map(|error| error.message().to_owned()),
            }
        });
        let taken = run.database_route.clone();
        RotationReport {
            apps: apps.collect(),
            changes: run.outcome.changed.len(),
            database_access: taken.map(|taken| DatabaseAccessReport { way: taken.way, reason: taken.why }),
            duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn failure(&self, error: DeployError, report: RotationReport) -> DeployFailure {
        DeployFailure::of_rotation(error, &report)
    }
}
