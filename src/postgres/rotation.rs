//! Another password for an app, with no moment at which the running app is refused.
//!
//! The order is the caller's to keep, each step durable before the next, each of them harmless when repeated:
//! [`open_second_login`], deploy the app with it and see it running; [`change_password`], deploy the app with its own
//! login and see it running; [`close_second_login`].

use super::provision::{retrying, verifier_of};
use super::roles::AppRole;
use super::script::{self, Maintenance, SqlTransport, nonce};
use crate::DeployError;
use crate::secrets::{Secret, SystemEntropy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What is added to a role's name for that of its second login.
const SUFFIX: &str = "--next";
/// The most bytes of a role's name.
const LONGEST_NAME: usize = 63;

/// The name of the second login of a role.
pub fn second_login_name(user: &str) -> String {
    login_name(user, SUFFIX)
}

/// A role's name with a suffix, cut so that PostgreSQL takes it and no two roles come to the same.
pub(super) fn login_name(user: &str, suffix: &str) -> String {
    let longest_stem = LONGEST_NAME - suffix.len();
    if user.len() <= longest_stem {
        return format!("{user}{suffix}");
    }
    let digest = Sha256::digest(user.as_bytes());
    let mark = format!("-{}", hex::encode(&digest[..4]));
    let stem = &user[..user.floor_char_boundary(longest_stem - mark.len())];
    format!("{stem}{mark}{suffix}")
}

/// Makes a second login with a password of its own, which acts as the app's role: objects it makes are the app's.
///
/// # Errors
///
/// What the transport fails with; [`crate::ErrorCode::PostgresQuery`] with the reason `login-taken` when a role of that
/// name exists that is not such a login.
pub async fn open_second_login(
    transport: &dyn SqlTransport,
    database: &str,
    app: &AppRole,
    password: &Secret,
) -> Result<(), DeployError> {
    let verifier = verifier_of(password).await?;
    let desired = json!({
        "role": app.user, "schema": app.schema, "login": second_login_name(&app.user), "verifier": verifier,
    });
    run(transport, database, Maintenance::OpenSecondLogin, &desired).await.map(drop)
}

/// Gives the app's own role another password; sessions that stand are not ended.
///
/// # Errors
///
/// What the transport fails with.
pub async fn change_password(
    transport: &dyn SqlTransport,
    database: &str,
    user: &str,
    password: &Secret,
) -> Result<(), DeployError> {
    let desired = json!({ "role": user, "verifier": verifier_of(password).await? });
    run(transport, database, Maintenance::ChangePassword, &desired).await.map(drop)
}

/// Drops the second login of a role, if there is one; its sessions end.
///
/// # Errors
///
/// What the transport fails with.
pub async fn close_second_login(transport: &dyn SqlTransport, database: &str, user: &str) -> Result<(), DeployError> {
    let desired = json!({ "role": user, "login": second_login_name(user) });
    run(transport, database, Maintenance::CloseSecondLogin, &desired).await.map(drop)
}

/// Runs a statement of maintenance and returns its answer's sentences.
pub(super) async fn run(
    transport: &dyn SqlTransport,
    database: &str,
    maintenance: Maintenance,
    desired: &Value,
) -> Result<Vec<String>, DeployError> {
    let attempt = || async {
        let script = script::maintain(maintenance, desired, nonce(&SystemEntropy));
        script.run(transport, database).await
    };
    let answer = retrying(attempt).await?;
    Ok(answer.into_iter().filter_map(|line| Some(line.as_str()?.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_second_login_fits_and_is_the_roles_own() {
        assert_eq!(second_login_name("auth"), "auth--next");
        let (one, other) = (second_login_name(&"ä".repeat(31)), second_login_name(&format!("{}b", "ä".repeat(31))));
        assert!(one.len() <= 63 && other.len() <= 63);
        assert_ne!(one, other);
    }
}
