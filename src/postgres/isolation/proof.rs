//! Tries whether the apps are isolated.

use super::report::{IsolationCheck, IsolationGrant, IsolationReport, IsolationScope};
use crate::postgres::provision::retrying;
use crate::postgres::roles::DatabaseRoles;
use crate::postgres::script::{self, SqlTransport, nonce};
use crate::secrets::SystemEntropy;
use crate::{DeployError, ErrorCode};
use serde::Deserialize;
use serde_json::Value;

/// Proves that every app role reaches what it must and nothing else; fails closed.
///
/// The database is asked for every privilege of each role on each app's schema and what is in it, on the databases, and
/// on other roles; then statements are tried as each role on objects that do not exist yet, made by the schema's owner
/// and by the master. All of it is taken back. Takes one round trip.
///
/// # Errors
///
/// [`ErrorCode::IsolationBroken`] naming role and object; what the transport fails with.
pub async fn prove(transport: &dyn SqlTransport, roles: &DatabaseRoles) -> Result<IsolationReport, DeployError> {
    let report = inspect(transport, roles).await?;
    report.verdict()?;
    Ok(report)
}

/// Does what [`prove`] does, but returns what is broken in the report.
///
/// # Errors
///
/// What the transport fails with.
pub async fn inspect(transport: &dyn SqlTransport, roles: &DatabaseRoles) -> Result<IsolationReport, DeployError> {
    let attempt = || async {
        let script = script::proof(roles, nonce(&SystemEntropy));
        script.run(transport, roles.database()).await
    };
    let answer = retrying(attempt).await?;
    report_of(roles, answer).map_err(|error| {
        DeployError::new(ErrorCode::Internal, "The proof of isolation answered something else").caused_by(&error)
    })
}

/// A line of the proof's answer.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line {
    /// A role or its schema does not exist.
    Missing {
        role: String,
        object: String,
    },
    Scope(IsolationScope),
    Broken(IsolationCheck),
    Unmanaged(IsolationGrant),
}

fn report_of(roles: &DatabaseRoles, answer: Vec<Value>) -> Result<IsolationReport, serde_json::Error> {
    let mut report = IsolationReport { database: roles.database().to_owned(), ..IsolationReport::default() };
    for line in answer {
        match serde_json::from_value(line)? {
            Line::Missing { role, object } => report.broken.push(IsolationCheck {
                role,
                object,
                privilege: "USAGE".to_owned(),
                expected: true,
                actual: false,
                note: Some("the role or the schema does not exist".to_owned()),
            }),
            Line::Scope(scope) => {
                report.checks += scope.checks;
                report.matrix.push(scope);
            }
            Line::Broken(check) => report.broken.push(check),
            Line::Unmanaged(grant) => report.unmanaged.push(grant),
        }
    }
    Ok(report)
}
