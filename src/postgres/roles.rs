//! The roles and schemas that a workspace wants.

use super::identifier::{AppNames, plain_fault};
use super::sql;
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The role of an app, and what it may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRole {
    /// The app.
    pub app: String,
    /// The role's name, as it stands in `DATABASE_URL`.
    pub user: String,
    /// The schema that is the app's own.
    pub schema: String,
    /// The role's password.
    pub password: Secret,
    /// The apps that may read this app's tables (`sharedWith`).
    pub shared_with: Vec<String>,
}

impl AppRole {
    /// The role of an app whose tables no other app may read.
    pub fn new(names: AppNames, password: Secret) -> Self {
        let AppNames { app, user, schema } = names;
        Self { app, user, schema, password, shared_with: Vec::new() }
    }

    /// Names the apps that may read this app's tables.
    #[must_use]
    pub fn shared_with<S: Into<String>>(mut self, apps: impl IntoIterator<Item = S>) -> Self {
        self.shared_with = apps.into_iter().map(Into::into).collect();
        self
    }
}

/// Every app role of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseRoles {
    database: String,
    master: String,
    apps: Vec<AppRole>,
    retired: BTreeMap<String, String>,
}

impl DatabaseRoles {
    /// Describes the roles of `database`, whose superuser is `master`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidWorkspace`] with every fault: a name that PostgreSQL does not take, an app whose role is the
    /// master's, a role or schema that two apps would have, `shared_with` naming an app that has no role or the app
    /// itself, and a password that is empty or contains NUL.
    pub fn new(
        database: impl Into<String>,
        master: impl Into<String>,
        apps: Vec<AppRole>,
    ) -> Result<Self, DeployError> {
        let roles = Self { database: database.into(), master: master.into(), apps, retired: BTreeMap::new() };
        let faults = roles.faults();
        if faults.is_empty() {
            Ok(roles)
        } else {
            Err(DeployError::new(ErrorCode::InvalidWorkspace, faults.join("\n")))
        }
    }

    /// The database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The superuser that provisions.
    pub fn master(&self) -> &str {
        &self.master
    }

    /// The apps.
    pub fn apps(&self) -> &[AppRole] {
        &self.apps
    }

    /// Names apps that are gone, with the roles that they had: these are barred from logging in, and their data stays.
    ///
    /// The master's role and those of the apps that are there are never among them.
    #[must_use]
    pub fn retiring(mut self, retired: impl IntoIterator<Item = (String, String)>) -> Self {
        let stays = |role: &String| *role == self.master || self.apps.iter().any(|app| app.user == *role);
        self.retired = retired.into_iter().filter(|(_, role)| !stays(role)).collect();
        self
    }

    /// The apps that are gone, with the roles that they had.
    pub fn retired(&self) -> &BTreeMap<String, String> {
        &self.retired
    }

    /// The roles that may read the schema of `owner`.
    pub(super) fn readers(&self, owner: &AppRole) -> Vec<&str> {
        let reads = |app: &&AppRole| owner.shared_with.contains(&app.app);
        self.apps.iter().filter(reads).map(|app| app.user.as_str()).collect()
    }

    /// What was applied, as a digest: unchanged, there is nothing to do in the database (I9).
    ///
    /// It covers the names, schemas, grants, passwords and the text of our SQL. Passwords enter it hashed with all the
    /// rest; as with any digest, one that is short enough to be guessed could be confirmed by it.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        let mut add = |value: &str| {
            digest.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(value.as_bytes());
        };
        sql::sources().for_each(&mut add);
        add(&self.database);
        add(&self.master);
        let mut apps: Vec<&AppRole> = self.apps.iter().collect();
        apps.sort_by(|one, other| one.app.cmp(&other.app));
        for app in apps {
            for part in [&app.app, &app.user, &app.schema, app.password.expose()] {
                add(part);
            }
            let readers: BTreeSet<&String> = app.shared_with.iter().collect();
            add(&readers.len().to_string());
            for reader in readers {
                add(reader);
            }
        }
        for part in self.retired.iter().flat_map(|(app, role)| ["retired", app, role]) {
            add(part);
        }
        digest.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (what, name) in [("database", &self.database), ("master", &self.master)] {
            faults.extend(plain_fault(name).map(|fault| format!("services.db: {what}: {fault}")));
        }
        let (mut users, mut schemas) = (BTreeSet::new(), BTreeSet::new());
        for app in &self.apps {
            let name = &app.app;
            for part in [&app.user, &app.schema] {
                faults.extend(plain_fault(part).map(|fault| format!("apps.{name}: {fault}")));
            }
            if app.user == self.master {
                faults.push(format!("apps.{name}: its role would be the database's master `{}`", self.master));
            }
            if !users.insert(&app.user) || !schemas.insert(&app.schema) {
                faults.push(format!("apps.{name}: another app has the role `{}` or schema `{}`", app.user, app.schema));
            }
            if app.password.expose().is_empty() || app.password.expose().contains('\0') {
                faults.push(format!("apps.{name}: its database password is empty or contains NUL"));
            }
            for reader in &app.shared_with {
                if reader == name || !self.apps.iter().any(|other| other.app == *reader) {
                    faults.push(format!(
                        "apps.{name}: sharedWith names `{reader}`, which has no role of its own to share with"
                    ));
                }
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::super::identifier::app_names;
    use super::*;

    fn roles(change: impl FnOnce(&mut Vec<AppRole>)) -> Result<DatabaseRoles, DeployError> {
        let names = app_names(["api", "auth"], Some("api")).unwrap();
        let mut apps = names.into_iter().map(|names| AppRole::new(names, Secret::new("secret"))).collect();
        change(&mut apps);
        DatabaseRoles::new("shop", "postgres", apps)
    }

    #[test]
    fn i9_the_fingerprint_changes_with_everything_that_matters_and_with_nothing_else() {
        let same = roles(|_| ()).unwrap().fingerprint();
        assert_eq!(same, roles(|apps| apps.reverse()).unwrap().fingerprint());
        let changes: [fn(&mut Vec<AppRole>); 4] = [
            |apps| apps[0].password = Secret::new("other"),
            |apps| apps[1].schema = "other".to_owned(),
            |apps| apps[0].shared_with.push("auth".to_owned()),
            |apps| drop(apps.pop()),
        ];
        for change in changes {
            assert_ne!(same, roles(change).unwrap().fingerprint());
        }
    }

    #[test]
    fn i6_roles_do_not_print_their_passwords() {
        let printed = format!("{:?}", roles(|apps| apps[0].password = Secret::new("canary")).unwrap());
        assert!(printed.contains("auth") && !printed.contains("canary"));
    }

    #[test]
    fn every_fault_is_named() {
        let error = roles(|apps| {
            apps[0].user = "postgres".to_owned();
            apps[1].schema = "public".to_owned();
            apps[1].password = Secret::new("");
            apps[1].shared_with = vec!["auth".to_owned(), "web".to_owned()];
        });
        assert_eq!(error.unwrap_err().message().lines().count(), 5);
    }
}
