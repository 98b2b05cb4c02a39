//! Makes the roles and schemas what is wanted.

use super::roles::DatabaseRoles;
use super::scram;
use super::script::{self, Outcome, Script, SqlTransport, nonce};
use crate::secrets::{Secret, SystemEntropy};
use crate::{DeployError, ErrorCode};
use backon::{ExponentialBuilder, Retryable as _};
use std::time::Duration;

/// What a provisioning did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// What changed, one sentence for each fact: `+ ` before what holds now, `- ` before what does not hold any more.
    ///
    /// Passwords are set every time and are not among the facts.
    pub changes: Vec<String>,
}

/// Gives each app its role and schema, in one transaction; what is right already stays as it is.
///
/// Takes one round trip. Two runs at once wait for each other; a conflict with anybody else is tried again.
///
/// # Errors
///
/// What the transport fails with; [`ErrorCode::PostgresQuery`] with the reason `schema-conflict` when an app has data
/// under today's and under an older name of its schema.
pub async fn provision(transport: &dyn SqlTransport, roles: &DatabaseRoles) -> Result<Provisioned, DeployError> {
    run(transport, roles, Outcome::Commit).await
}

/// Says what [`provision`] would change, and takes it back; existing sessions are not disturbed.
///
/// # Errors
///
/// As [`provision`].
pub async fn preview(transport: &dyn SqlTransport, roles: &DatabaseRoles) -> Result<Provisioned, DeployError> {
    run(transport, roles, Outcome::Rollback).await
}

/// The script with which [`provision`] works, for a caller that runs it itself.
///
/// # Errors
///
/// [`ErrorCode::Internal`] when the verifiers cannot be computed.
pub async fn provision_script(roles: &DatabaseRoles) -> Result<Script, DeployError> {
    let verifiers = verifiers(roles).await?;
    Ok(script::provision(roles, &verifiers, nonce(&SystemEntropy), Outcome::Commit))
}

async fn run(
    transport: &dyn SqlTransport,
    roles: &DatabaseRoles,
    outcome: Outcome,
) -> Result<Provisioned, DeployError> {
    let verifiers = verifiers(roles).await?;
    let attempt = || async {
        let script = script::provision(roles, &verifiers, nonce(&SystemEntropy), outcome);
        script.run(transport, roles.database()).await
    };
    let answer = retrying(attempt).await?;
    let changes = answer.into_iter().filter_map(|change| Some(change.as_str()?.to_owned())).collect();
    Ok(Provisioned { changes })
}

/// Tries again what may pass by itself, about six seconds in all.
pub(super) async fn retrying<T, F: Future<Output = Result<T, DeployError>>>(
    attempt: impl FnMut() -> F,
) -> Result<T, DeployError> {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(7)
        .with_jitter();
    attempt.retry(backoff).when(DeployError::is_retryable).await
}

/// Computes a verifier off the runtime: it takes 8,192 rounds of a hash.
pub(super) async fn verifier_of(password: &Secret) -> Result<String, DeployError> {
    let password = password.clone();
    off_the_runtime(move || scram::verifier(&password)).await
}

async fn verifiers(roles: &DatabaseRoles) -> Result<Vec<String>, DeployError> {
    let passwords: Vec<_> = roles.apps().iter().map(|app| app.password.clone()).collect();
    off_the_runtime(move || passwords.iter().map(scram::verifier).collect()).await
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DeployError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        DeployError::new(ErrorCode::Internal, "Password verifiers were not computed").caused_by(&error)
    })
}
