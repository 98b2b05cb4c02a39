//! A login for the migrations of an app that need the rights of the database's owner, for that time only.
//!
//! It acts as the owner and works in the app's schema: what it makes there is the owner's until [`super::provision()`] runs
//! again, which hands it to the app.

use super::provision::verifier_of;
use super::roles::{AppRole, DatabaseRoles};
use super::rotation::{login_name, run};
use super::script::{Maintenance, SqlTransport};
use crate::DeployError;
use crate::secrets::Secret;
use serde_json::json;

/// What is added to the name of an app's role.
const SUFFIX: &str = "--owner";

/// The name of the login with which the migrations of an app act as the owner of the database.
pub fn owner_login_name(user: &str) -> String {
    login_name(user, SUFFIX)
}

/// Makes the login, or gives it this password.
///
/// # Errors
///
/// What the transport fails with; [`crate::ErrorCode::PostgresQuery`] with the reason `login-taken` when a role of that
/// name exists that is not such a login.
pub async fn open_owner_login(
    transport: &dyn SqlTransport,
    roles: &DatabaseRoles,
    app: &AppRole,
    password: &Secret,
) -> Result<(), DeployError> {
    let verifier = verifier_of(password).await?;
    let desired = json!({
        "role": roles.master(), "schema": app.schema, "login": owner_login_name(&app.user), "verifier": verifier,
    });
    run(transport, roles.database(), Maintenance::OpenSecondLogin, &desired).await.map(drop)
}

/// Drops the login, if there is one; its sessions end.
///
/// # Errors
///
/// What the transport fails with.
pub async fn close_owner_login(
    transport: &dyn SqlTransport,
    roles: &DatabaseRoles,
    user: &str,
) -> Result<(), DeployError> {
    let desired = json!({ "role": roles.master(), "login": owner_login_name(user) });
    run(transport, roles.database(), Maintenance::CloseSecondLogin, &desired).await.map(drop)
}
