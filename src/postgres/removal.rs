//! What becomes of the role and the data of an app that is gone.

use super::rotation::{run, second_login_name};
use super::script::{Maintenance, SqlTransport};
use crate::DeployError;
use serde_json::json;

/// Bars the role of a removed app from logging in, and keeps its data.
///
/// Returns a sentence for each schema that is kept, for instance `schema auth: 12 tables`. Harmless when repeated.
///
/// # Errors
///
/// What the transport fails with.
pub async fn disable_role(
    transport: &dyn SqlTransport,
    database: &str,
    user: &str,
) -> Result<Vec<String>, DeployError> {
    run(transport, database, Maintenance::DisableRole, &json!({ "role": user })).await
}

/// Drops the role of an app with its data: its schema, or in `public` all that it owns.
///
/// Returns what was removed, for instance `schema auth` and `role auth`; nothing where nothing was left.
///
/// # Errors
///
/// What the transport fails with; nothing is removed then.
pub async fn drop_role(
    transport: &dyn SqlTransport,
    database: &str,
    user: &str,
    schema: &str,
) -> Result<Vec<String>, DeployError> {
    let desired = json!({ "role": user, "schema": schema, "login": second_login_name(user) });
    run(transport, database, Maintenance::DropRole, &desired).await
}
