//! What PostgreSQL refuses, as our errors.

use crate::{DeployError, ErrorCode};

/// SQLSTATEs of failures that pass by themselves: a serialisation conflict, a deadlock, a lock that was not to be had.
const PASSING: &[&str] = &["40001", "40P01", "55P03", "55006"];
/// SQLSTATEs of a name that another run made at the same moment; the next attempt finds it.
const MADE_MEANWHILE: &[&str] = &["23505", "42710", "42P06"];
/// SQLSTATEs of a server that is going down or coming up.
const NOT_UP: &[&str] = &["57P01", "57P02", "57P03"];
/// SQLSTATEs of a login that is refused.
const LOGIN_REFUSED: &[&str] = &["28P01", "28000"];
/// SQLSTATEs that our own SQL raises, with the reason and the hint of each.
const OWN: &[(&str, &str, &str)] = &[
    (
        "DN001",
        "schema-conflict",
        "Move the tables of one schema into the other (`ALTER TABLE … SET SCHEMA …`), drop the empty one, and deploy again",
    ),
    ("DN002", "not-superuser", "Use the superuser that the Postgres service was created with"),
    ("DN003", "role-is-master", "Rename the app, or create the Postgres service with another user"),
    (
        "DN005",
        "schema-taken",
        "Rename the app, or give the schema away (`ALTER SCHEMA … RENAME TO …`, `ALTER SCHEMA … OWNER TO …`)",
    ),
    ("DN004", "login-taken", "Rename or drop that role; its name is that of a second login during a rotation"),
];

/// Makes an error of what the server answered to a statement: its SQLSTATE and message, both as it gave them.
///
/// The reason is the SQLSTATE. For a transport that reads `psql`'s output, see [`psql_error`].
pub fn query_error(sqlstate: &str, message: &str) -> DeployError {
    if LOGIN_REFUSED.contains(&sqlstate) {
        return authentication_error(message).reason(sqlstate);
    }
    if NOT_UP.contains(&sqlstate) || sqlstate.starts_with("08") {
        return DeployError::new(ErrorCode::PostgresUnreachable, format!("The database is not up: {message}"))
            .reason(sqlstate)
            .retryable(true);
    }
    let error = DeployError::new(ErrorCode::PostgresQuery, format!("The database refused a statement: {message}"));
    if let Some((_, reason, hint)) = OWN.iter().find(|(code, _, _)| *code == sqlstate) {
        return error.reason(*reason).hint(*hint);
    }
    // PostgreSQL has no SQLSTATE of its own for two sessions that change the same row of the catalogue.
    let concurrent = sqlstate == "XX000" && message.contains("concurrently");
    let passing = concurrent || PASSING.contains(&sqlstate) || MADE_MEANWHILE.contains(&sqlstate);
    error.reason(sqlstate).retryable(passing)
}

/// Makes an error of what `psql` printed on its error output, with `VERBOSITY=verbose` for the SQLSTATE.
///
/// None when no line of it is an error.
pub fn psql_error(output: &str) -> Option<DeployError> {
    for line in output.lines() {
        if let Some((_, refusal)) = line.split_once("ERROR:  ").or_else(|| line.split_once("FATAL:  ")) {
            let state = refusal.split_once(": ").filter(|(state, _)| is_sqlstate(state));
            return Some(match state {
                Some((state, message)) => query_error(state, message),
                None if refusal.contains("authentication failed") => authentication_error(refusal),
                None if refusal.contains("the database system is") => query_error("57P03", refusal),
                None => query_error("XX000", refusal),
            });
        }
        if let Some((_, failure)) = line.split_once("psql: error: ") {
            let message = format!("The database could not be reached: {failure}");
            return Some(DeployError::new(ErrorCode::PostgresUnreachable, message).reason("psql").retryable(true));
        }
    }
    None
}

/// Makes an error of a login that was refused.
pub(super) fn authentication_error(message: &str) -> DeployError {
    DeployError::new(ErrorCode::PostgresAuthentication, format!("The database refused our login: {message}")).hint(
        "The password in the state is not the database's: put the right one into the state, or set it with `ALTER ROLE`",
    )
}

fn is_sqlstate(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_may_be_tried_again() {
        assert!(query_error("XX000", "tuple concurrently updated").is_retryable());
        assert!(query_error("40P01", "deadlock detected").is_retryable());
        assert!(!query_error("XX000", "cache lookup failed").is_retryable());
        assert!(!query_error("42501", "permission denied").is_retryable());
        assert_eq!(query_error("57P03", "starting up").code(), ErrorCode::PostgresUnreachable);
        assert_eq!(query_error("DN001", "both").reason_name(), Some("schema-conflict"));
    }

    #[test]
    fn errors_are_read_from_what_psql_prints() {
        let error = psql_error("LOG: x\n2026-01-01 ERROR:  40P01: deadlock detected\nDETAIL: y").unwrap();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresQuery, Some("40P01")));
        let refused = "psql: error: connection to server at \"db\", port 5432 failed: FATAL:  password authentication \
                       failed for user \"postgres\"";
        assert_eq!(psql_error(refused).unwrap().code(), ErrorCode::PostgresAuthentication);
        let down = "psql: error: connection to server at \"db\" failed: Connection refused";
        assert_eq!(psql_error(down).unwrap().code(), ErrorCode::PostgresUnreachable);
        assert!(psql_error("NOTICE:  nothing").is_none());
    }
}
