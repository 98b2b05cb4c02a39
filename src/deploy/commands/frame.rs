//! What every command that changes something does in the same order: lock, recover, plan, apply, report.

use crate::DeployError;
use crate::Phase;
use crate::deploy::apply::{Applied, ApplyInputs, Outcome, Records, Resources, apply};
use crate::deploy::changes::StepServices;
use crate::deploy::context::{Providers, RunContext, RunLock, base_names};
use crate::deploy::database_access::{DatabaseAccess, Route};
use crate::deploy::prepare::Draft;
use crate::deploy::recovery::recover_interrupted;
use crate::deploy::report::DeployFailure;
use crate::plan::{DatabaseRoute, Operation};
use crate::state::{Journal, SharedState, State};
use async_trait::async_trait;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a cancelled run waits for its own clean-up before it rejects; the rest goes on in the background (I10).
const CLEANUP_PATIENCE: Duration = Duration::from_millis(800);

/// What is different between the commands.
#[async_trait]
pub(super) trait Command: Sync {
    /// What the command returns.
    type Report: Send;

    /// Works out what has to be done. Makes only reads.
    ///
    /// # Errors
    ///
    /// Everything that stops the command before its first change (I1).
    async fn draft(&self, context: &RunContext) -> Result<Draft, DeployError>;

    /// The state to work on. Whatever the plan sends for the first time is durable in it (I2). `None`: there is nothing
    /// to do.
    ///
    /// # Errors
    ///
    /// `STATE_IO`, `HOOK_FAILED`.
    async fn save(
        &self,
        context: &RunContext,
        lock: &RunLock,
        draft: &Draft,
    ) -> Result<Option<SharedState>, DeployError>;

    /// Who writes DNS records.
    ///
    /// # Errors
    ///
    /// `PROVIDER_UNSUPPORTED`, `INVALID_REQUEST`.
    fn providers(&self, context: &RunContext, _state: &State) -> Result<Providers, DeployError> {
        Ok(context.zones.providers.clone())
    }

    /// What is remembered of the whole run when its steps have ended.
    ///
    /// # Errors
    ///
    /// `STATE_IO`, `HOOK_FAILED`.
    async fn conclude(&self, _services: &StepServices, _outcome: &Outcome) -> Result<(), DeployError> {
        Ok(())
    }

    /// Puts the report together.
    fn report(&self, run: &FinishedRun<'_>) -> Self::Report;

    /// A failed run, with what it did all the same.
    fn failure(&self, error: DeployError, report: Self::Report) -> DeployFailure;
}

/// What a run came to.
pub(super) struct FinishedRun<'a> {
    pub(super) context: &'a RunContext,
    pub(super) draft: &'a Draft,
    pub(super) outcome: Outcome,
    pub(super) resources: Resources,
    /// The state as it is kept.
    pub(super) state: Arc<State>,
    /// The way to the database that was taken.
    pub(super) database_route: Option<Route>,
    pub(super) duration: Duration,
}

/// Works until it is done or the run is cancelled; the work is dropped when this returns.
///
/// # Errors
///
/// `CANCELLED`, and those of the work.
pub(super) async fn or_cancelled<T, E: From<DeployError>>(
    context: &RunContext,
    work: Pin<Box<impl Future<Output = Result<T, E>>>>,
) -> Result<T, E> {
    tokio::select! {
        biased;
        () = context.options.cancel.cancelled() => Err(DeployError::cancelled().into()),
        result = work => result,
    }
}

/// Runs a command under the stage's lock.
///
/// # Errors
///
/// Every failure of the run, with what it did all the same.
pub(super) async fn run_command<C: Command>(context: RunContext, command: C) -> Result<C::Report, DeployFailure> {
    let started = Instant::now();
    let lock = or_cancelled(&context, Box::pin(RunLock::acquire(&context))).await?;
    let work = run_locked(&context, &lock, &command, started);
    let result = or_cancelled(&context, Box::pin(work)).await;
    lock.release(CLEANUP_PATIENCE).await;
    result
}

async fn run_locked<C: Command>(
    context: &RunContext,
    lock: &RunLock,
    command: &C,
    started: Instant,
) -> Result<C::Report, DeployFailure> {
    let journal = recover_interrupted(context, lock).await?;
    let draft = Box::pin(command.draft(context)).await?;
    let Some(state) = command.save(context, lock, &draft).await? else {
        return Ok(command.report(&FinishedRun {
            context,
            draft: &draft,
            outcome: Outcome::default(),
            resources: Resources::observed(&draft.observed),
            state: Arc::new(draft.state.clone()),
            database_route: None,
            duration: started.elapsed(),
        }));
    };
    let providers = command.providers(context, &state.snapshot())?;
    let services = services(context, lock, state, journal);
    let database = database_access(context, &draft);
    let timeout = Duration::from_secs(context.request.settings.dns_timeout_seconds);
    let records = Records::new(providers, context.lookup_options(), timeout);
    context.reporter.phase(Phase::Apply);
    let inputs = ApplyInputs {
        draft: &draft,
        settings: &context.request.settings,
        services: &services,
        database: &database,
        records: &records,
        images: context.image_builder.as_ref(),
        base_names: &base_names(&context.request.workspace),
    };
    let Applied { outcome, resources } = apply(&inputs, &context.options.cancel).await?;
    command.conclude(&services, &outcome).await?;
    services.journal.compact().await?;
    let mut run = FinishedRun {
        context,
        draft: &draft,
        outcome,
        resources,
        state: services.state.snapshot(),
        database_route: database.taken(),
        duration: started.elapsed(),
    };
    let report = command.report(&run);
    if run.outcome.failed.is_empty() {
        return Ok(report);
    }
    let errors = std::mem::take(&mut run.outcome.failed).into_values().collect();
    Err(command.failure(DeployError::join(errors), report))
}

fn services(context: &RunContext, lock: &RunLock, state: SharedState, journal: Journal) -> StepServices {
    StepServices {
        client: context.client.clone(),
        state,
        journal,
        reporter: context.reporter.clone(),
        marks: context.marks(),
        surroundings: context.options.surroundings.clone(),
        cleanup: lock.cleanup().clone(),
    }
}

fn database_access(context: &RunContext, draft: &Draft) -> DatabaseAccess {
    let applies_roles = draft.blueprint.operations.values().any(|operation| *operation == Operation::ApplyRoles);
    let by_port = draft.route.way == DatabaseRoute::ExternalPort;
    let image = draft.desired.postgres.as_ref().map(|desired| desired.image.clone());
    DatabaseAccess::new(draft.route.clone(), context.database_host(), image, by_port && applies_roles)
}
