//! What every command that changes something does in the same order: lock, recover, plan, apply, report.

use super::work::Work;
use crate::DeployError;
use crate::Phase;
use crate::deploy::apply::{Applied, Outcome, Resources};
use crate::deploy::changes::StepServices;
use crate::deploy::context::{LeaseNeeds, Providers, RunContext, RunLock};
use crate::deploy::database_access::Route;
use crate::deploy::prepare::Draft;
use crate::deploy::recovery::recover_interrupted;
use crate::deploy::report::{AppReport, DeployFailure, RolledBackApp};
use crate::plan::{DeployPlan, Operation, check_still_true};
use crate::state::{ChangeGuard, Journal, SharedState, State};
use async_trait::async_trait;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long any other run waits for that: it gives its leases back.
const RELEASE_PATIENCE: Duration = Duration::from_secs(10);
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

    /// Whether carrying out the draft changes anything outside of this machine.
    fn changes(&self, draft: &Draft) -> bool {
        draft.blueprint.plan.changes > 0
    }

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

    /// What is done about steps that failed, before the report: what became of apps that were put back.
    async fn after_failure(&self, _work: &Work<'_>, _draft: &Draft, _outcome: &Outcome) -> Vec<RolledBackApp> {
        Vec::new()
    }

    /// Puts the report together.
    fn report(&self, run: &FinishedRun<'_>) -> Self::Report;

    /// What the report says of each app, for the caller's hook.
    fn apps<'r>(&self, _report: &'r Self::Report) -> &'r [AppReport] {
        &[]
    }

    /// A failed run, with what it did all the same.
    fn failure(&self, error: DeployError, report: Self::Report) -> DeployFailure;
}

/// What a run came to.
pub(super) struct FinishedRun<'a> {
    pub(super) context: &'a RunContext,
    pub(super) draft: &'a Draft,
    pub(super) outcome: Outcome,
    pub(super) resources: Resources,
    /// The apps that were put back because the run had failed.
    pub(super) put_back: Vec<RolledBackApp>,
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

/// Runs a command under the stage's lock, and under its lease on the server where it changes something.
///
/// # Errors
///
/// Every failure of the run, with what it did all the same.
pub(super) async fn run_command<C: Command>(context: RunContext, command: C) -> Result<C::Report, DeployFailure> {
    let started = Instant::now();
    let lock = or_cancelled(&context, Box::pin(RunLock::acquire(&context))).await;
    let lock = lock.map_err(|error| error.stage(context.stage()))?;
    let work = Box::pin(run_locked(&context, &lock, &command, started));
    let result = tokio::select! {
        result = work => result,
        lost = lock.leases().lost() => Err(lost.into()),
    };
    let patience = if context.options.cancel.is_cancelled() { CLEANUP_PATIENCE } else { RELEASE_PATIENCE };
    lock.release(patience).await;
    result.map_err(|failure| failure.of_stage(context.stage()).redacted(&|text| context.reporter.redact(text)))
}

/// What a command has worked out and saved before it applies it.
struct Prepared {
    journal: Journal,
    draft: Draft,
    /// `None`: there is nothing to do.
    state: Option<SharedState>,
}

async fn prepare<C: Command>(context: &RunContext, lock: &RunLock, command: &C) -> Result<Prepared, DeployError> {
    let journal = open_journal(context, lock).await?;
    let unfinished = journal.unfinished().await?;
    if !unfinished.is_empty() {
        // What an interrupted run left in the middle is set right before anything is looked at (I1).
        lock.leases().take(context, &journal, LeaseNeeds { stage: true, project: false }).await?;
    }
    recover_interrupted(context, lock, &journal, unfinished).await?;
    let draft = leased_draft(context, lock, command, &journal).await?;
    let state = command.save(context, lock, &draft).await?;
    Ok(Prepared { journal, draft, state })
}

async fn run_locked<C: Command>(
    context: &RunContext,
    lock: &RunLock,
    command: &C,
    started: Instant,
) -> Result<C::Report, DeployFailure> {
    let prepared = or_cancelled(context, Box::pin(prepare(context, lock, command))).await?;
    let Prepared { journal, draft, state } = prepared;
    let Some(state) = state else {
        let report = command.report(&FinishedRun {
            context,
            draft: &draft,
            outcome: Outcome::default(),
            resources: Resources::observed(&draft.observed),
            put_back: Vec::new(),
            state: Arc::new(draft.state.clone()),
            database_route: None,
            duration: started.elapsed(),
        });
        or_cancelled(context, Box::pin(tell_apps(context, &draft, command.apps(&report)))).await?;
        return Ok(report);
    };
    let providers = command.providers(context, &state.snapshot())?;
    let work = Work::new(context, lock, (state, journal), providers);
    context.reporter.phase(Phase::Apply);
    let (Applied { outcome, resources }, database_route) = work.apply(&draft).await?;
    let cancelled = outcome.cancelled || context.options.cancel.is_cancelled();
    let failed = !outcome.failed.is_empty() && !cancelled;
    let put_back = if failed { command.after_failure(&work, &draft, &outcome).await } else { Vec::new() };
    let concluded = conclude(context, command, &work.services, &outcome).await;
    let mut run = FinishedRun {
        context,
        draft: &draft,
        outcome,
        resources,
        put_back,
        state: work.services.state.snapshot(),
        database_route,
        duration: started.elapsed(),
    };
    let report = command.report(&run);
    let concluded = match concluded {
        Ok(()) => or_cancelled(context, Box::pin(tell_apps(context, &draft, command.apps(&report)))).await,
        Err(error) => Err(error),
    };
    if let Err(error) = concluded {
        return Err(command.failure(error, report));
    }
    if run.outcome.failed.is_empty() {
        return Ok(report);
    }
    let errors = std::mem::take(&mut run.outcome.failed).into_values().collect();
    Err(command.failure(DeployError::join(errors), report))
}

/// Remembers what the whole run came to, unless it was cancelled.
async fn conclude<C: Command>(
    context: &RunContext,
    command: &C,
    services: &StepServices,
    outcome: &Outcome,
) -> Result<(), DeployError> {
    if outcome.cancelled {
        return Err(DeployError::cancelled());
    }
    let work = async {
        command.conclude(services, outcome).await?;
        services.journal.compact().await
    };
    or_cancelled(context, Box::pin(work)).await
}

async fn open_journal(context: &RunContext, lock: &RunLock) -> Result<Journal, DeployError> {
    let journal = Journal::open(lock.stage(), context.options.surroundings.now).await?;
    Ok(journal.guarded_by(Arc::clone(lock.leases()) as Arc<dyn ChangeGuard>))
}

/// A draft of which nothing has changed since it was made: where it changes something, it is made under the leases that
/// this takes. They are taken only then, so that a run that changes nothing only reads (I9), and none before the checks (I1).
async fn leased_draft<C: Command>(
    context: &RunContext,
    lock: &RunLock,
    command: &C,
    journal: &Journal,
) -> Result<Draft, DeployError> {
    let mut shown: Option<DeployPlan> = None;
    loop {
        let draft = Box::pin(command.draft(context)).await?;
        let plan = &draft.blueprint.plan;
        // Another draft mostly comes to the same.
        if plan.changes > 0 && shown.as_ref().is_none_or(|shown| check_still_true(shown, plan).is_err()) {
            ask_caller(context, plan).await?;
            shown = Some(plan.clone());
        }
        if !lock.leases().take(context, journal, lease_needs(command, &draft)).await? {
            return Ok(draft);
        }
        // Another run may have come before, and have done part of it, or more.
        context.reporter.draft_again();
    }
}

/// Lets the caller agree to a plan, before anything is changed.
async fn ask_caller(context: &RunContext, plan: &DeployPlan) -> Result<(), DeployError> {
    match &context.options.hooks {
        Some(hooks) => hooks.before_apply(plan).await,
        None => Ok(()),
    }
}

/// Tells the caller's hook what became of each app of the run.
async fn tell_apps(context: &RunContext, draft: &Draft, apps: &[AppReport]) -> Result<(), DeployError> {
    let Some(hooks) = &context.options.hooks else { return Ok(()) };
    for report in apps.iter().filter(|report| draft.desired.apps.contains_key(&report.app_name)) {
        if let Err(error) = hooks.after_app(report).await {
            context.reporter.warn("hook-failed", error.message(), Some(&report.app_name));
        }
    }
    Ok(())
}

fn lease_needs<C: Command>(command: &C, draft: &Draft) -> LeaseNeeds {
    let of_project = |operation: &Operation| {
        matches!(operation, Operation::CreateProject | Operation::CreateEnvironment | Operation::RemoveProject)
    };
    let project = draft.blueprint.operations.values().any(of_project);
    LeaseNeeds { stage: command.changes(draft), project }
}
