//! The SQL that makes the roles and schemas what is wanted.
//!
//! The statements themselves are the files in `sql/`, the same for every workspace. What is wanted goes with them as
//! one JSON text in the setting `deploy_native.wanted`; PostgreSQL itself quotes the names in it.

use super::framing;
use super::sql::{BEGIN, FACTS, PROOF, PROVISION};
use super::transport::Script;
use crate::postgres::identifier::quote_literal;
use crate::postgres::roles::{AppRole, DatabaseRoles};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What our SQL depends on, pinned for the transaction; every name is looked up in `pg_catalog` from then on.
const SESSION: &[&str] = &[
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL client_min_messages = warning",
    "SET LOCAL lc_messages = 'C'",
    "SET LOCAL lock_timeout = '10s'",
    "SET LOCAL statement_timeout = '120s'",
    "SET LOCAL idle_in_transaction_session_timeout = '60s'",
    "SET LOCAL client_connection_check_interval = '1s'",
    "SET LOCAL ROLE NONE",
];

/// The most characters of what is wanted that one statement carries; quoting can double them.
const LONGEST_LITERAL: usize = 32 * 1024;

/// Whether a script keeps what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum Outcome {
    /// It keeps it.
    Commit,
    /// It takes it back, having reported it.
    Rollback,
}

/// The script that provisions `roles`, whose verifiers are given in the same order.
///
/// It answers with what changed, as [`crate::postgres::Provisioned::changes`] says.
pub(in crate::postgres) fn provision(
    roles: &DatabaseRoles,
    verifiers: &[String],
    nonce: String,
    outcome: Outcome,
) -> Script {
    let mut desired = describe(roles);
    for (app, verifier) in desired.iter_mut().zip(verifiers) {
        app["verifier"] = json!(verifier);
    }
    let mut statements = opening(&nonce, &json!({ "apps": desired }), outcome == Outcome::Rollback);
    statements.push(BEGIN.to_owned());
    statements.push(format!(
        "DO $before$ BEGIN PERFORM set_config('deploy_native.before', ({FACTS})::text, true); END $before$"
    ));
    statements.extend(PROVISION.iter().map(|&statement| statement.to_owned()));
    statements.push(difference());
    statements.extend(closing(outcome));
    Script::new(nonce, statements)
}

/// The script that tries whether `roles` are isolated; it answers with the lines of the report and changes nothing.
pub(in crate::postgres) fn proof(roles: &DatabaseRoles, nonce: String) -> Script {
    let mut statements = opening(&nonce, &json!({ "apps": describe(roles) }), true);
    statements.push(BEGIN.to_owned());
    statements.extend(PROOF.iter().map(|&statement| statement.to_owned()));
    statements.extend(closing(Outcome::Rollback));
    Script::new(nonce, statements)
}

/// What is done to one role, outside of provisioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum Maintenance {
    /// Makes a second login that acts as the role.
    OpenSecondLogin,
    /// Gives the role another password.
    ChangePassword,
    /// Drops the second login.
    CloseSecondLogin,
    /// Bars the role from logging in.
    DisableRole,
    /// Drops the role with its data.
    DropRole,
}

impl Maintenance {
    const fn statement(self) -> &'static str {
        match self {
            Self::OpenSecondLogin => include_str!("sql/second_login.sql"),
            Self::ChangePassword => include_str!("sql/password.sql"),
            Self::CloseSecondLogin => include_str!("sql/drop_login.sql"),
            Self::DisableRole => include_str!("sql/disable_role.sql"),
            Self::DropRole => include_str!("sql/drop_role.sql"),
        }
    }
}

/// The script that does one thing to one role; it answers with what its caller reports.
pub(in crate::postgres) fn maintain(maintenance: Maintenance, desired: &Value, nonce: String) -> Script {
    let mut statements = opening(&nonce, desired, false);
    statements.extend([BEGIN.to_owned(), maintenance.statement().to_owned()]);
    statements.extend(closing(Outcome::Commit));
    Script::new(nonce, statements)
}

/// Begins a transaction, pins its settings and hands over what is wanted.
fn opening(nonce: &str, desired: &Value, preview: bool) -> Vec<String> {
    let mut statements = vec![
        format!("SET deploy_native.frame = {}", quote_literal(nonce)),
        "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned(),
    ];
    statements.extend(SESSION.iter().map(|&statement| statement.to_owned()));
    statements.extend(hand_over(&ascii(desired)));
    statements.push(format!("SET LOCAL deploy_native.preview = {preview}"));
    statements
}

/// Sets `deploy_native.wanted`: at once, or from parts, so that no statement is too long for an argument of a program.
fn hand_over(desired: &str) -> Vec<String> {
    if desired.len() <= LONGEST_LITERAL {
        return vec![format!("SET LOCAL deploy_native.wanted = {}", quote_literal(desired))];
    }
    // It is ASCII, so that any byte begins a character.
    let parts: Vec<&str> = (0..desired.len())
        .step_by(LONGEST_LITERAL)
        .map(|at| &desired[at..desired.len().min(at + LONGEST_LITERAL)])
        .collect();
    let set =
        |(number, part): (usize, &&str)| format!("SET LOCAL deploy_native.wanted_{number} = {}", quote_literal(part));
    let mut statements: Vec<String> = parts.iter().enumerate().map(set).collect();
    let read: Vec<String> =
        (0..parts.len()).map(|number| format!("current_setting('deploy_native.wanted_{number}')")).collect();
    let read = read.join(", ");
    statements.push(format!(
        "DO $join$ BEGIN PERFORM set_config('deploy_native.wanted', array_to_string(ARRAY[{read}], ''), true); END $join$"
    ));
    statements
}

/// Ends the transaction and prints the result; one that is taken back is printed before.
fn closing(outcome: Outcome) -> [String; 2] {
    match outcome {
        Outcome::Commit => ["COMMIT".to_owned(), framing::PRINT.clone()],
        Outcome::Rollback => [framing::PRINT.clone(), "ROLLBACK".to_owned()],
    }
}

/// The roles as our SQL reads them.
fn describe(roles: &DatabaseRoles) -> Vec<Value> {
    let describe = |app: &AppRole| json!({ "role": app.user, "schema": app.schema, "readers": roles.readers(app) });
    roles.apps().iter().map(describe).collect()
}

fn difference() -> String {
    let before = "jsonb_array_elements_text(current_setting('deploy_native.before')::jsonb)";
    let after = format!("jsonb_array_elements_text(({FACTS}))");
    format!(
        "DO $after$ BEGIN PERFORM set_config('deploy_native.result', (\
         WITH before AS (SELECT fact FROM {before} AS fact), after AS (SELECT fact FROM {after} AS fact) \
         SELECT coalesce(jsonb_agg(change ORDER BY substr(change, 3), change), '[]') FROM (\
         SELECT '+ ' || fact FROM after WHERE fact NOT IN (SELECT fact FROM before) UNION ALL \
         SELECT '- ' || fact FROM before WHERE fact NOT IN (SELECT fact FROM after)) AS changes(change)\
         )::text, false); END $after$"
    )
}

/// JSON in ASCII, so that it arrives as it is whatever encoding a client of the database is set to.
fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::identifier::app_names;
    use crate::secrets::Secret;

    fn roles(app: &str) -> DatabaseRoles {
        let names = app_names([app], None).unwrap();
        let apps = names.into_iter().map(|names| AppRole::new(names, Secret::new("canary-password"))).collect();
        DatabaseRoles::new("shop", "postgres", apps).unwrap()
    }

    #[test]
    fn i6_a_script_carries_verifiers_and_no_password() {
        let script = provision(&roles("auth"), &["SCRAM-x".to_owned()], "n".to_owned(), Outcome::Commit).sql();
        assert!(script.contains("SCRAM-x") && !script.contains("canary-password"));
    }

    #[test]
    fn a_script_is_ascii_whatever_the_names() {
        let script = provision(&roles("ä\u{1F600}'\\\"$x$"), &[String::new()], "n".to_owned(), Outcome::Commit);
        assert!(script.sql().is_ascii());
    }

    #[test]
    fn a_preview_ends_with_a_rollback() {
        let script = provision(&roles("auth"), &[String::new()], "n".to_owned(), Outcome::Rollback);
        assert_eq!(script.statements().last().map(String::as_str), Some("ROLLBACK"));
        assert!(!script.statements().contains(&"COMMIT".to_owned()));
    }
}
