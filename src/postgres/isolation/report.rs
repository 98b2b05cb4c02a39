//! The proof of isolation, as data.

use crate::{DeployError, ErrorCode};
use serde::{Deserialize, Serialize};

/// What every app role can and cannot reach, as tried on the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IsolationReport {
    /// The database.
    pub database: String,
    /// How many statements and privileges were checked.
    pub checks: usize,
    /// What was checked, by role and by what it was checked against.
    pub matrix: Vec<IsolationScope>,
    /// Each outcome that is not as it must be; empty where the apps are isolated.
    pub broken: Vec<IsolationCheck>,
    /// What app roles may do in schemas and with roles that no app of the workspace owns, and ways that a master laid on
    /// purpose: functions and views that act as somebody else, foreign servers, parameters. Told, not judged.
    pub unmanaged: Vec<IsolationGrant>,
}

/// Checks of one role against one thing, all with the same outcome expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IsolationScope {
    /// The role.
    pub role: String,
    /// What it was checked against, for instance `schema admin_auth` with all that is in it.
    pub object: String,
    /// Whether these checks must be allowed, else refused.
    pub allowed: bool,
    /// How many there were.
    pub checks: usize,
}

/// A check whose outcome is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IsolationCheck {
    /// The role.
    pub role: String,
    /// The object, for instance `table admin_auth.users`.
    pub object: String,
    /// What was asked for or tried, for instance `SELECT`.
    pub privilege: String,
    /// Whether it must be allowed.
    pub expected: bool,
    /// Whether it was.
    pub actual: bool,
    /// What the database answered, where it was neither a success nor a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Something that an app role may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IsolationGrant {
    /// The role.
    pub role: String,
    /// The object, for instance `schema reporting`.
    pub object: String,
    /// What it may do, for instance `USAGE`.
    pub privilege: String,
}

impl IsolationReport {
    /// Whether every outcome is as it must be.
    pub fn is_isolated(&self) -> bool {
        self.broken.is_empty()
    }

    /// Fails where an outcome is not as it must be.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::IsolationBroken`] naming the first role and object; the others are its log.
    pub fn verdict(&self) -> Result<(), DeployError> {
        let Some(first) = self.broken.first() else { return Ok(()) };
        let lines: Vec<String> = self.broken.iter().map(ToString::to_string).collect();
        let more = match self.broken.len() {
            1 => String::new(),
            all => format!(" (and {} more)", all - 1),
        };
        Err(DeployError::new(ErrorCode::IsolationBroken, format!("The apps' isolation is broken: {first}{more}"))
            .app(&first.role)
            .resource(&first.object)
            .reason(if first.expected { "refused" } else { "allowed" })
            .hint(first.hint())
            .log(lines.join("\n")))
    }
}

impl IsolationCheck {
    /// The command that would mend it.
    fn hint(&self) -> String {
        use crate::postgres::identifier::quote_identifier;
        let role = quote_identifier(&self.role);
        if self.expected {
            return "Provision the database again: it gives each app what it needs in its schema".to_owned();
        }
        if self.object == "parameter lo_compat_privileges" {
            return "Run as the master: ALTER SYSTEM RESET lo_compat_privileges; it lets every role read every large object"
                .to_owned();
        }
        if let Some(database) = self.object.strip_prefix("database ") {
            let database = quote_identifier(database);
            if self.privilege == "OWNER" {
                return format!("Run as the master: ALTER DATABASE {database} OWNER TO CURRENT_USER");
            }
            return format!("Run as the master: REVOKE ALL ON DATABASE {database} FROM PUBLIC, {role}");
        }
        if let Some(other) = self.object.strip_prefix("role ")
            && other != self.role
        {
            return format!("Run as the master: REVOKE {} FROM {role}", quote_identifier(other));
        }
        "Provision the database again: it takes back what was granted by hand. An object that the role owns in the \
         schema of another app is to be moved or given away first (`ALTER … OWNER TO …`)"
            .to_owned()
    }
}

impl std::fmt::Display for IsolationCheck {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { role, object, privilege, .. } = self;
        let outcome = if self.actual { "is allowed" } else { "is not allowed" };
        let must = if self.expected { "must be" } else { "must not be" };
        write!(formatter, "role `{role}` {outcome} {privilege} on {object}, and {must}")?;
        match &self.note {
            Some(note) => write!(formatter, " ({note})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &str) -> IsolationCheck {
        IsolationCheck {
            role: "auth".to_owned(),
            object: object.to_owned(),
            privilege: "SELECT".to_owned(),
            expected: false,
            actual: true,
            note: None,
        }
    }

    #[test]
    fn a_broken_isolation_names_role_and_object() {
        let report =
            IsolationReport { broken: vec![check("table admin_auth.users"), check("x")], ..Default::default() };
        let error = report.verdict().unwrap_err();
        assert_eq!(error.code(), ErrorCode::IsolationBroken);
        assert_eq!(
            error.message(),
            "The apps' isolation is broken: role `auth` is allowed SELECT on table admin_auth.users, and must not be \
             (and 1 more)"
        );
        assert_eq!(error.resource_name(), Some("table admin_auth.users"));
        assert_eq!(error.log_tail().map(|log| log.lines().count()), Some(2));
        assert!(IsolationReport::default().verdict().is_ok());
    }

    #[test]
    fn a_hint_is_the_command_that_mends_it() {
        let hint = check("database postgres").hint();
        assert_eq!(hint, "Run as the master: REVOKE ALL ON DATABASE \"postgres\" FROM PUBLIC, \"auth\"");
        assert_eq!(check("role admin-auth").hint(), "Run as the master: REVOKE \"admin-auth\" FROM \"auth\"");
    }
}
