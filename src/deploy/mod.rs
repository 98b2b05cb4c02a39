//! The engine: observes, plans, applies, and tells what happens.

mod apply;
mod begin;
mod create;
mod delete;
mod desired;
mod detect;
mod draft;
mod former_server;
mod images;
mod initialise;
mod inside;
mod isolation;
mod leave;
mod look;
mod observe;
mod options;
mod port;
mod prepare;
mod reach;
mod ready;
mod report;
mod request;
mod resolve;
mod rotate;
mod rotate_request;
mod rotation;
mod route;
mod run;
mod serving;
mod session;
mod steps;
mod summary;
mod verify;
mod zone_queue;

pub use options::{RunOptions, Surroundings};
pub use report::{
    AppReport, AppStatus, DatabaseAccessReport, DeployFailure, DeployReport, DnsReport, DomainStatus, HostReport,
    RecordStatus, RetiredRole, RotatedApp, RotationReport, UndeployReport,
};
pub use request::{
    Credentials, DatabaseAccess, DeployRequest, DeploySettings, DokployCredentials, OnSniffError, RegistryCredentials,
    UndeployRequest, UndeploySettings, VendorCredentials, WaitFor,
};

pub use rotate_request::{RotateRequest, RotateSettings};

use crate::DeployError;
use crate::plan::DeployPlan;
use crate::postgres::IsolationReport;
use begin::Hold;
use ready::{Part, Ready};
use std::pin::Pin;
use std::time::Duration;

/// How long a cancelled run waits for its own cleaning up before it rejects; the rest goes on in the background (I10).
const CLEANUP_PATIENCE: Duration = Duration::from_millis(800);

/// Works until it is done or the run is cancelled; the work is dropped when this returns.
async fn or_cancelled<T, E: From<DeployError>>(
    ready: &Ready,
    work: Pin<Box<impl Future<Output = Result<T, E>>>>,
) -> Result<T, E> {
    tokio::select! {
        biased;
        () = ready.options.cancel.cancelled() => Err(DeployError::cancelled().into()),
        result = work => result,
    }
}

/// Puts a workspace on its server: plans, applies, verifies. Given the plan that its user was shown
/// ([`RunOptions::expected_plan`]), it applies that one or none.
///
/// # Errors
///
/// Every code of [`ErrorCode`](crate::ErrorCode); see the table in the README.
pub async fn deploy(request: DeployRequest, options: RunOptions) -> Result<DeployReport, DeployFailure> {
    Box::pin(deploy_part(request, options, Part::All)).await
}

async fn deploy_part(request: DeployRequest, options: RunOptions, part: Part) -> Result<DeployReport, DeployFailure> {
    let ready = Ready::new(request, options, part)?;
    let hold = Hold::default();
    let result = or_cancelled(&ready, Box::pin(run::deploy(&ready, &hold))).await;
    hold.release(CLEANUP_PATIENCE).await;
    result
}

/// Works out what [`deploy`] would do, and changes nothing.
///
/// # Errors
///
/// As [`deploy`], for everything that is found before the first change.
pub async fn plan(request: DeployRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let ready = Ready::new(request, options, Part::All)?;
    or_cancelled(&ready, Box::pin(draft::plan(&ready))).await
}

/// Removes what was deployed.
///
/// # Errors
///
/// `INVALID_REQUEST` with the reason `other-server` when the state is of another server; else as [`deploy`].
pub async fn undeploy(request: UndeployRequest, options: RunOptions) -> Result<UndeployReport, DeployFailure> {
    let (request, depth) = request.into_parts();
    let ready = Ready::new(request, options, Part::Nothing)?;
    let hold = Hold::default();
    let result = or_cancelled(&ready, Box::pin(leave::undeploy(&ready, &hold, depth))).await;
    hold.release(CLEANUP_PATIENCE).await;
    result
}

/// Works out what [`undeploy`] would do, and changes nothing.
///
/// # Errors
///
/// As [`undeploy`], for everything that is found before the first change.
pub async fn plan_undeploy(request: UndeployRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let (request, depth) = request.into_parts();
    let ready = Ready::new(request, options, Part::Nothing)?;
    or_cancelled(&ready, Box::pin(leave::plan(&ready, depth))).await
}

/// Gives apps that run other credentials: another password for their database user, other values of what was generated.
///
/// Nothing else about them changes, and no moment refuses them. Interrupted anywhere, the next run of this or of
/// [`deploy`] finishes it.
///
/// # Errors
///
/// `INVALID_REQUEST` with the reason `not-rotatable` for a value that is the user's own; else as [`deploy`].
pub async fn rotate_credentials(request: RotateRequest, options: RunOptions) -> Result<RotationReport, DeployFailure> {
    let (request, choice) = request.into_parts();
    let ready = Ready::new(request, options, Part::Credentials)?;
    let hold = Hold::default();
    let result = or_cancelled(&ready, Box::pin(rotate::rotate(&ready, &hold, &choice))).await;
    hold.release(CLEANUP_PATIENCE).await;
    result
}

/// Works out what [`rotate_credentials`] would do, and changes nothing.
///
/// # Errors
///
/// As [`rotate_credentials`], for everything that is found before the first change.
pub async fn plan_rotate_credentials(request: RotateRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let (request, choice) = request.into_parts();
    let ready = Ready::new(request, options, Part::Credentials)?;
    or_cancelled(&ready, Box::pin(rotate::plan(&ready, &choice))).await
}

/// Asks the authoritative servers of each host name of the selected apps whether they answer with the server's address.
///
/// # Errors
///
/// `INVALID_REQUEST`, `INVALID_WORKSPACE`, `DNS_RESOLUTION`, `CANCELLED`.
pub async fn verify_dns(request: DeployRequest, options: RunOptions) -> Result<DnsReport, DeployError> {
    let ready = Ready::new(request, options, Part::All)?;
    or_cancelled(&ready, Box::pin(verify::dns(&ready))).await
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
    let ready = Ready::new(request, options, Part::Nothing)?;
    let hold = Hold::default();
    let result = or_cancelled(&ready, Box::pin(isolation::verify(&ready, &hold))).await;
    hold.release(CLEANUP_PATIENCE).await;
    result
}

/// Creates project, environment and services, and nothing else (seed: `provisionServices()`).
///
/// # Errors
///
/// As [`deploy`].
pub async fn provision_services(request: DeployRequest, options: RunOptions) -> Result<DeployReport, DeployFailure> {
    Box::pin(deploy_part(request, options, Part::Services)).await
}

/// Gives every app that needs one its user and schema; creates the services where they are missing (seed:
/// `initializePostgresUsers()`).
///
/// # Errors
///
/// As [`deploy`].
pub async fn initialize_postgres_users(
    request: DeployRequest,
    options: RunOptions,
) -> Result<DeployReport, DeployFailure> {
    Box::pin(deploy_part(request, options, Part::Database)).await
}
