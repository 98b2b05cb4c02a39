//! What callers can ask for, each with its order of phases.

mod deploy;
mod deployment_report;
mod frame;
mod host_verification;
mod put_back;
mod rollback;
mod rotate;
mod saving;
mod undeploy;
mod verify_isolation;
mod work;

use super::context::{RunContext, RunScope, take_declared_registry};
use super::prepare::{draft_removal, draft_rollback, draft_rotation};
use super::report::{DeployFailure, DeployReport, DnsReport, RotationReport, UndeployReport};
use super::request::{DeployRequest, RollbackRequest, RotateRequest, RunOptions, UndeployRequest};
use crate::plan::DeployPlan;
use crate::postgres::IsolationReport;
use crate::trace::traced;
use crate::{DeployError, trace};
use deploy::{Deploy, plan_deployment};
use frame::{or_cancelled, run_command};
use host_verification::check_hosts;
use rollback::Rollback;
use rotate::RotateCredentials;
use tracing::Span;
use undeploy::Undeploy;
use verify_isolation::VerifyIsolation;

/// Puts a workspace on its server: plans, applies, verifies. Given the plan that its user was shown
/// ([`RunOptions::expected_plan`]), it applies that one or none.
///
/// # Errors
///
/// Every code of [`ErrorCode`](crate::ErrorCode); see `docs/troubleshooting.md`.
pub async fn deploy(request: DeployRequest, options: RunOptions) -> Result<DeployReport, DeployFailure> {
    let span = span("deploy", &request);
    traced(span, deploy_scope(request, options, RunScope::Workspace)).await
}

async fn deploy_scope(
    request: DeployRequest,
    options: RunOptions,
    scope: RunScope,
) -> Result<DeployReport, DeployFailure> {
    let context = context_with_registry(request, options, scope).await?;
    Box::pin(run_command(context, Deploy { scope })).await
}

/// The span of a command.
fn span(command: &'static str, request: &DeployRequest) -> Span {
    trace::run(command, &request.workspace.name, &request.settings.stage)
}

/// The context of a run; what is wrong names the stage.
fn context(request: DeployRequest, options: RunOptions, scope: RunScope) -> Result<RunContext, DeployError> {
    let stage = request.settings.stage.clone();
    RunContext::new(request, options, scope).map_err(|error| error.stage(stage))
}

/// The context of a run that may need the login of a registry which the server knows.
async fn context_with_registry(
    request: DeployRequest,
    options: RunOptions,
    scope: RunScope,
) -> Result<RunContext, DeployError> {
    let stage = request.settings.stage.clone();
    let request = match scope {
        RunScope::Workspace | RunScope::Past => Box::pin(take_declared_registry(request, &options)).await,
        _ => Ok(request),
    };
    context(request.map_err(|error| error.stage(stage))?, options, scope)
}

/// Works out what [`deploy()`] would do, and changes nothing.
///
/// # Errors
///
/// As [`deploy()`], for everything that is found before the first change.
pub async fn plan(request: DeployRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let span = span("plan", &request);
    let work = async {
        let context = context_with_registry(request, options, RunScope::Workspace).await?;
        let plan = or_cancelled(&context, Box::pin(plan_deployment(&context))).await;
        plan.map_err(|error| error.stage(context.stage()))
    };
    traced(span, Box::pin(work)).await
}

/// Removes what was deployed.
///
/// # Errors
///
/// `INVALID_REQUEST` with the reason `other-server` when the state is of another server; else as [`deploy()`].
pub async fn undeploy(request: UndeployRequest, options: RunOptions) -> Result<UndeployReport, DeployFailure> {
    let (request, depth) = request.into_parts();
    let everything = depth.data && request.settings.apps.is_none();
    let span = span("undeploy", &request);
    let context = context(request, options, RunScope::Deployed)?;
    traced(span, Box::pin(run_command(context, Undeploy { depth, everything }))).await
}

/// Works out what [`undeploy()`] would do, and changes nothing.
///
/// # Errors
///
/// As [`undeploy()`], for everything that is found before the first change.
pub async fn plan_undeploy(request: UndeployRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let (request, depth) = request.into_parts();
    let span = span("plan-undeploy", &request);
    let context = context(request, options, RunScope::Deployed)?;
    let draft = traced(span, or_cancelled(&context, Box::pin(draft_removal(&context, depth)))).await;
    Ok(draft.map_err(|error| error.stage(context.stage()))?.blueprint.plan)
}

/// Puts apps back to earlier deployments that were seen running, image and values included; what we generate, such as a
/// password, is today's.
///
/// Interrupted anywhere, the next rollback finishes it. What cannot be undone is in the plan's notes and in the report.
///
/// # Errors
///
/// `NO_EARLIER_DEPLOYMENT` when there is nothing to go back to; `INVALID_REQUEST` for a deployment that nobody knows, and
/// with the reason `not-declared` for an app that the workspace no longer declares; else as [`deploy()`].
pub async fn rollback(request: RollbackRequest, options: RunOptions) -> Result<DeployReport, DeployFailure> {
    let (request, to) = request.into_parts();
    let span = span("rollback", &request);
    let work = async {
        let context = context_with_registry(request, options, RunScope::Past).await?;
        Box::pin(run_command(context, Rollback { to })).await
    };
    traced(span, Box::pin(work)).await
}

/// Works out what [`rollback()`] would do, and changes nothing.
///
/// # Errors
///
/// As [`rollback()`], for everything that is found before the first change.
pub async fn plan_rollback(request: RollbackRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let (request, to) = request.into_parts();
    let span = span("plan-rollback", &request);
    let work = async {
        let context = context_with_registry(request, options, RunScope::Past).await?;
        let draft = or_cancelled(&context, Box::pin(draft_rollback(&context, to.as_deref()))).await;
        Ok::<_, DeployError>(draft.map_err(|error| error.stage(context.stage()))?.blueprint.plan)
    };
    traced(span, Box::pin(work)).await
}

/// Gives apps that run other credentials: another password for their database user, other values of what was generated.
///
/// Nothing else about them changes, and no moment refuses them. Interrupted anywhere, the next run of this or of
/// [`deploy()`] finishes it.
///
/// # Errors
///
/// `INVALID_REQUEST` with the reason `not-rotatable` for a value that is the user's own; else as [`deploy()`].
pub async fn rotate_credentials(request: RotateRequest, options: RunOptions) -> Result<RotationReport, DeployFailure> {
    let (request, choice) = request.into_parts();
    let span = span("rotate-credentials", &request);
    let context = context(request, options, RunScope::Credentials)?;
    traced(span, Box::pin(run_command(context, RotateCredentials { choice }))).await
}

/// Works out what [`rotate_credentials`] would do, and changes nothing.
///
/// # Errors
///
/// As [`rotate_credentials`], for everything that is found before the first change.
pub async fn plan_rotate_credentials(request: RotateRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let (request, choice) = request.into_parts();
    let span = span("plan-rotate-credentials", &request);
    let context = context(request, options, RunScope::Credentials)?;
    let draft = traced(span, or_cancelled(&context, Box::pin(draft_rotation(&context, &choice)))).await;
    Ok(draft.map_err(|error| error.stage(context.stage()))?.blueprint.plan)
}

/// Asks the authoritative servers of each host name of the selected apps whether they answer with the server's address.
///
/// # Errors
///
/// `INVALID_REQUEST`, `INVALID_WORKSPACE`, `DNS_RESOLUTION`, `CANCELLED`.
pub async fn verify_dns(request: DeployRequest, options: RunOptions) -> Result<DnsReport, DeployError> {
    let span = span("verify-dns", &request);
    let context = context(request, options, RunScope::Workspace)?;
    let report = traced(span, or_cancelled(&context, Box::pin(check_hosts(&context)))).await;
    report.map_err(|error| error.stage(context.stage()))
}

/// Proves that the stage's app roles are isolated from each other, as every deployment does that changes them.
///
/// Every app of the workspace that has a role is tried, whatever `apps` selects. The stage is locked meanwhile. Nothing is
/// changed, but where the database is reached by its external port, that is opened and closed again, which restarts the
/// database.
///
/// # Errors
///
/// [`ErrorCode::IsolationBroken`](crate::ErrorCode::IsolationBroken) naming role and object, with every other outcome that
/// is not as it must be as its log; `INVALID_REQUEST` with the reason `not-provisioned` when the stage has no database or no
/// app has a role; `STATE_*`, `DOKPLOY_*`, `POSTGRES_*`, `DATABASE_PORT`, `CANCELLED`.
pub async fn verify_isolation(request: DeployRequest, options: RunOptions) -> Result<IsolationReport, DeployError> {
    let span = span("verify-isolation", &request);
    let context = context(request, options, RunScope::Deployed)?;
    traced(span, Box::pin(run_command(context, VerifyIsolation))).await.map_err(|failure| failure.error)
}

/// Creates project, environment and services, and nothing else (seed: `provisionServices()`).
///
/// # Errors
///
/// As [`deploy()`].
pub async fn provision_services(request: DeployRequest, options: RunOptions) -> Result<DeployReport, DeployFailure> {
    let span = span("provision-services", &request);
    traced(span, deploy_scope(request, options, RunScope::Services)).await
}

/// Gives every app that needs one its user and schema; creates the services where they are missing (seed:
/// `initializePostgresUsers()`).
///
/// # Errors
///
/// As [`deploy()`].
pub async fn initialize_postgres_users(
    request: DeployRequest,
    options: RunOptions,
) -> Result<DeployReport, DeployFailure> {
    let span = span("initialize-postgres-users", &request);
    traced(span, deploy_scope(request, options, RunScope::DatabaseUsers)).await
}
