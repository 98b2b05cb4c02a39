//! Undeploying: what is ours goes, what is not stays, what stood there before comes back.

use super::frame::{Command, FinishedRun};
use crate::DeployError;
use crate::deploy::apply::Outcome;
use crate::deploy::changes::StepServices;
use crate::deploy::context::{Providers, RunContext, RunLock};
use crate::deploy::prepare::{Draft, draft_removal};
use crate::deploy::report::{DeployFailure, RemovalOutcome, RemovedResource, UndeployReport};
use crate::deploy::request::RemovalDepth;
use crate::plan::{Action, Operation, Step};
use crate::state::{SharedState, State};
use async_trait::async_trait;
use std::sync::Arc;

/// Removes what is ours.
pub(super) struct Undeploy {
    /// What is removed beyond the apps.
    pub(super) depth: RemovalDepth,
    /// Whether every app goes, with all data.
    pub(super) everything: bool,
}

#[async_trait]
impl Command for Undeploy {
    type Report = UndeployReport;

    async fn draft(&self, context: &RunContext) -> Result<Draft, DeployError> {
        let draft = draft_removal(context, self.depth).await?;
        context.check_expected(&draft.blueprint.plan)?;
        Ok(draft)
    }

    async fn save(
        &self,
        context: &RunContext,
        lock: &RunLock,
        draft: &Draft,
    ) -> Result<Option<SharedState>, DeployError> {
        let provider = Arc::clone(&context.state_provider);
        let shared = SharedState::start_at(provider, draft.state.clone(), context.read_version());
        let shared = shared.under(lock.stage().clone());
        if draft.blueprint.plan.changes > 0 {
            return Ok(Some(shared));
        }
        // A run that was interrupted after its last change has not come to this.
        let mut rest = draft.state.clone();
        if self.depth.data {
            forget_past(&mut rest);
        }
        if self.everything {
            forget_data(&mut rest);
        }
        if draft.kept.as_ref().is_some_and(|kept| *kept != rest) {
            shared.update(|state| *state = rest).await?;
        }
        Ok(None)
    }

    fn providers(&self, context: &RunContext, state: &State) -> Result<Providers, DeployError> {
        context.zones.with_recorded(state)
    }

    async fn conclude(&self, services: &StepServices, outcome: &Outcome) -> Result<(), DeployError> {
        if self.depth.data && outcome.failed.is_empty() {
            services.state.update(forget_past).await?;
        }
        if self.everything && outcome.failed.is_empty() {
            services.state.update(forget_data).await?;
        }
        Ok(())
    }

    fn report(&self, run: &FinishedRun<'_>) -> UndeployReport {
        let blueprint = &run.draft.blueprint;
        let mut report = UndeployReport {
            kept: blueprint.plan.notes.clone(),
            duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
            ..UndeployReport::default()
        };
        for step in blueprint.plan.steps.iter().filter(|step| step.action == Action::Delete) {
            let removed = removed(run, step);
            match (&removed.outcome, &removed.reason) {
                (RemovalOutcome::Removed, _) => report.removed.push(step.resource.clone()),
                (RemovalOutcome::Restored, _) => {
                    report.restored.push(format!("{} → {}", step.resource, removed.values.join(", ")));
                }
                (RemovalOutcome::Kept, Some(reason)) => report.kept.push(format!("{}: {reason}", step.resource)),
                _ => {}
            }
            report.resources.push(removed);
        }
        report
    }

    fn failure(&self, error: DeployError, report: UndeployReport) -> DeployFailure {
        DeployFailure::of_undeploy(error, &report)
    }
}

/// What became of the resource of a step.
fn removed(run: &FinishedRun<'_>, step: &Step) -> RemovedResource {
    let previous = match run.draft.blueprint.operations.get(&step.id) {
        Some(Operation::RestoreRecord { key, .. }) => {
            run.draft.state.dns_records.get(key).and_then(|record| record.previous.as_ref())
        }
        _ => None,
    };
    let (outcome, reason) = if run.outcome.changed.contains(&step.id) {
        (if previous.is_some() { RemovalOutcome::Restored } else { RemovalOutcome::Removed }, None)
    } else if let Some(reason) = run.outcome.skipped.get(&step.id) {
        (RemovalOutcome::Kept, Some(reason.clone()))
    } else if let Some(error) = run.outcome.failed.get(&step.id) {
        (RemovalOutcome::Failed, Some(error.message().to_owned()))
    } else {
        (RemovalOutcome::NotReached, None)
    };
    let put_back = previous.filter(|_| outcome == RemovalOutcome::Restored);
    RemovedResource {
        resource: step.resource.clone(),
        app: step.app.clone(),
        outcome,
        values: put_back.map(|previous| previous.values.clone()).unwrap_or_default(),
        reason,
    }
}

/// Forgets the deployments of apps that are gone with their data.
fn forget_past(state: &mut State) {
    let gone = |app: &&str| !state.applications.contains_key(*app);
    let gone: Vec<String> = state.deploy_native.history.apps().filter(gone).map(str::to_owned).collect();
    for app in gone {
        state.deploy_native.history.forget(&app);
        state.deploy_native.rolling_back.remove(&app);
    }
}

/// Forgets what only made sense with the data that is gone.
fn forget_data(state: &mut State) {
    state.app_credentials.clear();
    state.generated_secrets.clear();
    state.deploy_native.rotations.clear();
    state.deploy_native.images.clear();
}
