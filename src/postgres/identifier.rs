//! The names of roles, schemas and databases, and how names and values are written in SQL.

use crate::{DeployError, ErrorCode};
use std::collections::BTreeMap;

/// The most bytes of a name that PostgreSQL keeps; it cuts off the rest without an error.
const LONGEST: usize = 63;
/// Names that mean something else where a role is expected.
const RESERVED_ROLES: &[&str] = &["public", "none", "current_role", "current_user", "session_user"];
/// Schemas that PostgreSQL has already.
const RESERVED_SCHEMAS: &[&str] = &["public", "information_schema"];

/// The schema of every database that is owned by one app (design: Details, schema of an app).
pub const PUBLIC_SCHEMA: &str = "public";

/// The names in the database that belong to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppNames {
    /// The app.
    pub app: String,
    /// Its role: the app's own name.
    pub user: String,
    /// Its schema: `public` for the app that owns that, else the app's name with `-` as `_`.
    pub schema: String,
}

/// Writes a name so that PostgreSQL takes it letter by letter: in double quotes, those within doubled.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes a text so that PostgreSQL takes it letter by letter, whatever `standard_conforming_strings` says.
///
/// The text must not contain NUL, which no text of PostgreSQL can.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// The database of a workspace: its name with `-` as `_`, in lower case.
///
/// # Errors
///
/// [`ErrorCode::InvalidWorkspace`] when that is not a name that PostgreSQL and Dokploy take: a letter or `_`, then
/// letters, digits and `_`, at most 63 of them, and none of PostgreSQL's own databases.
pub fn database_name(workspace: &str) -> Result<String, DeployError> {
    let name = workspace.to_ascii_lowercase().replace('-', "_");
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let fault = if !plain || !begins {
        "needs letters, digits and `_`, and must not begin with a digit"
    } else if name.len() > LONGEST {
        "is longer than 63 bytes"
    } else if ["postgres", "template0", "template1"].contains(&name.as_str()) {
        "is PostgreSQL's own"
    } else {
        return Ok(name);
    };
    Err(invalid(format!("name: `{workspace}` cannot name a database: `{name}` {fault}")))
}

/// Names the role and the schema of each app; `public_owner` is the app that owns the schema `public`.
///
/// # Errors
///
/// [`ErrorCode::InvalidWorkspace`] with every fault: a name that is empty, too long, reserved or contains NUL, and apps
/// that would share a schema (`admin-auth` and `admin_auth`).
pub fn app_names<'a>(
    apps: impl IntoIterator<Item = &'a str>,
    public_owner: Option<&str>,
) -> Result<Vec<AppNames>, DeployError> {
    let mut faults = Vec::new();
    let mut by_schema: BTreeMap<String, &str> = BTreeMap::new();
    let mut names = Vec::new();
    for app in apps {
        let owns_public = public_owner == Some(app);
        let schema = if owns_public { PUBLIC_SCHEMA.to_owned() } else { app.replace('-', "_") };
        if let Some(fault) = role_fault(app).or_else(|| schema_fault(&schema, owns_public)) {
            faults.push(format!("apps.{app}: cannot have a database user and schema: {fault}"));
        }
        if let Some(other) = by_schema.insert(schema.clone(), app) {
            faults.push(format!("apps.{app}: would share the schema `{schema}` with `{other}`; rename one of them"));
        }
        names.push(AppNames { app: app.to_owned(), user: app.to_owned(), schema });
    }
    if faults.is_empty() { Ok(names) } else { Err(invalid(faults.join("\n"))) }
}

fn role_fault(name: &str) -> Option<String> {
    if RESERVED_ROLES.contains(&name) || name.starts_with("pg_") {
        return Some(format!("PostgreSQL reserves the role name `{name}`"));
    }
    plain_fault(name)
}

fn schema_fault(name: &str, owns_public: bool) -> Option<String> {
    if !owns_public && (RESERVED_SCHEMAS.contains(&name) || name.starts_with("pg_")) {
        return Some(format!("PostgreSQL reserves the schema name `{name}`"));
    }
    plain_fault(name)
}

/// What is wrong with a name of any kind.
pub(super) fn plain_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("the name is empty".to_owned())
    } else if name.contains('\0') {
        Some("the name contains NUL".to_owned())
    } else if name.len() > LONGEST {
        Some(format!("`{name}` is longer than 63 bytes, and PostgreSQL would cut it off"))
    } else {
        None
    }
}

fn invalid(message: String) -> DeployError {
    DeployError::new(ErrorCode::InvalidWorkspace, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_seeds_table() {
        let names = app_names(["api", "auth", "admin-auth"], Some("api")).unwrap();
        let pairs: Vec<(&str, &str)> = names.iter().map(|names| (&*names.user, &*names.schema)).collect();
        assert_eq!(pairs, [("api", "public"), ("auth", "auth"), ("admin-auth", "admin_auth")]);
    }

    #[test]
    fn the_owner_of_public_is_a_setting() {
        let names = app_names(["api", "core"], Some("core")).unwrap();
        assert_eq!((&*names[0].schema, &*names[1].schema), ("api", "public"));
        assert_eq!(app_names(["api"], None).unwrap()[0].schema, "api");
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let long = "a".repeat(64);
        let error = app_names(["a-b", "a_b", "pg_x", "none", "", &long, "information-schema"], None).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidWorkspace);
        let lines: Vec<&str> = error.message().lines().collect();
        assert_eq!(lines.len(), 6, "{}", error.message());
        assert!(lines[0].contains("`a-b`") && lines[0].contains("apps.a_b"), "{}", lines[0]);
    }

    #[test]
    fn databases_are_named_after_the_workspace() {
        assert_eq!(database_name("My-Shop").unwrap(), "my_shop");
        for wrong in ["", "1shop", "sh.op", "postgres", "shöp", &"a".repeat(64)] {
            assert_eq!(database_name(wrong).unwrap_err().code(), ErrorCode::InvalidWorkspace, "{wrong}");
        }
    }

    #[test]
    fn quotes_and_backslashes_are_doubled() {
        assert_eq!(quote_identifier("a\"b\\"), "\"a\"\"b\\\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'"), "E'a\\\\'''");
    }
}
