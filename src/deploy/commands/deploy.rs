//! Deploying: everything that the workspace declares, or only its services and database users.

use super::deployment_report::deployment_report;
use super::frame::{Command, FinishedRun};
use super::put_back::{put_back, tell_apps};
use super::saving::save_draft;
use super::work::Work;
use crate::DeployError;
use crate::deploy::apply::Outcome;
use crate::deploy::changes::StepServices;
use crate::deploy::context::{Providers, RunContext, RunLock, RunScope};
use crate::deploy::prepare::{Draft, draft_deployment};
use crate::deploy::recovery::adopt_domains_in_memory;
use crate::deploy::report::{AppReport, DeployFailure, DeployReport, RolledBackApp};
use crate::deploy::request::OnFailure;
use crate::plan::{DeployPlan, draw};
use crate::state::{Intent, Journal, SharedState, State};
use async_trait::async_trait;

/// Deploys what the run's scope contains.
pub(super) struct Deploy {
    /// How much of the workspace is deployed.
    pub(super) scope: RunScope,
}

#[async_trait]
impl Command for Deploy {
    type Report = DeployReport;

    async fn draft(&self, context: &RunContext) -> Result<Draft, DeployError> {
        let draft = Box::pin(draft_deployment(context, context.read_state().await?)).await?;
        if self.scope == RunScope::Workspace {
            context.check_expected(&draft.blueprint.plan)?;
        }
        Ok(draft)
    }

    async fn save(
        &self,
        context: &RunContext,
        lock: &RunLock,
        draft: &Draft,
    ) -> Result<Option<SharedState>, DeployError> {
        if draft.blueprint.plan.changes == 0 && draft.kept.as_ref() == Some(&draft.state) {
            return Ok(None);
        }
        save_draft(context, lock, draft).await.map(Some)
    }

    /// A record that is to go may lie in a zone in which no app has a host name any more.
    fn providers(&self, context: &RunContext, state: &State) -> Result<Providers, DeployError> {
        Ok(context.zones.writable(state))
    }

    async fn conclude(&self, services: &StepServices, outcome: &Outcome) -> Result<(), DeployError> {
        let deployed = outcome.failed.is_empty() && !outcome.changed.is_empty();
        if self.scope == RunScope::Workspace && deployed {
            let now = services.now();
            services.state.update(|state| state.last_deployed_at = now).await?;
        }
        Ok(())
    }

    async fn after_failure(&self, work: &Work<'_>, draft: &Draft, outcome: &Outcome) -> Vec<RolledBackApp> {
        match work.context.request.settings.on_failure {
            OnFailure::Rollback if self.scope == RunScope::Workspace => put_back(work, draft, outcome).await,
            OnFailure::Keep | OnFailure::Rollback => Vec::new(),
        }
    }

    fn report(&self, run: &FinishedRun<'_>) -> DeployReport {
        let mut report = deployment_report(run);
        tell_apps(&mut report.apps, &run.put_back);
        DeployReport { rolled_back: run.put_back.clone(), ..report }
    }

    fn apps<'r>(&self, report: &'r DeployReport) -> &'r [AppReport] {
        &report.apps
    }

    fn failure(&self, error: DeployError, report: DeployReport) -> DeployFailure {
        DeployFailure { error, report: Some(Box::new(report)) }
    }
}

/// Plans a deployment: what it would do, with what it would first set right of an interrupted run.
///
/// # Errors
///
/// Everything that stops a deployment before its first change.
pub(super) async fn plan_deployment(context: &RunContext) -> Result<DeployPlan, DeployError> {
    let unfinished = Journal::peek(&context.request.workspace.root, context.stage()).await?;
    let mut state = context.read_state().await?;
    if let Some(state) = &mut state {
        adopt_domains_in_memory(context, state, unfinished.iter().map(|entry| &entry.intent)).await?;
    }
    let mut draft = Box::pin(draft_deployment(context, state)).await?;
    let opened = unfinished.iter().any(|entry| matches!(entry.intent, Intent::OpenDatabasePort { .. }));
    if opened && draft.observed.open_port.is_none() {
        draft.observed.open_port = draft.observed.postgres.as_ref().map(|found| found.id.clone());
        draft.blueprint = draw(&draft.desired, &draft.observed, &draft.state)?;
    }
    Ok(draft.blueprint.plan)
}
