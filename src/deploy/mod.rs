//! The engine: observes, plans, applies, and tells what happens.

mod apply;
mod report;
mod request;
mod select;

pub use report::{
    AppReport, AppStatus, DeployFailure, DeployReport, DnsReport, DomainStatus, HostReport, RecordStatus,
    UndeployReport,
};
pub use request::{
    Credentials, DatabaseAccess, DeployRequest, DeploySettings, DokployCredentials, OnSniffError, RegistryCredentials,
    RunOptions, Surroundings, UndeployRequest, UndeploySettings, VendorCredentials, WaitFor,
};

use crate::plan::DeployPlan;
use crate::{DeployError, ErrorCode};

/// Puts a workspace on its server: plans, applies, verifies.
///
/// # Errors
///
/// Every code of [`ErrorCode`]; see the table in the README.
#[expect(clippy::unused_async, reason = "the engine lands next")]
pub async fn deploy(request: DeployRequest, options: RunOptions) -> Result<DeployReport, DeployFailure> {
    let _ = (request, options);
    Err(DeployError::new(ErrorCode::Internal, "The engine is not built yet").into())
}

/// Works out what [`deploy`] would do, and changes nothing.
///
/// # Errors
///
/// As [`deploy`], for everything that is found before the first change.
#[expect(clippy::unused_async, reason = "the engine lands next")]
pub async fn plan(request: DeployRequest, options: RunOptions) -> Result<DeployPlan, DeployError> {
    let _ = (request, options);
    Err(DeployError::new(ErrorCode::Internal, "The engine is not built yet"))
}

/// Removes what was deployed.
///
/// # Errors
///
/// As [`deploy`].
#[expect(clippy::unused_async, reason = "the engine lands next")]
pub async fn undeploy(request: UndeployRequest, options: RunOptions) -> Result<UndeployReport, DeployFailure> {
    let _ = (request, options);
    Err(DeployError::new(ErrorCode::Internal, "The engine is not built yet").into())
}
