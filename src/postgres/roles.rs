//! The roles and schemas that a workspace wants.

use super::identifier::{AppNames, plain_fault};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use std::collections::{BTreeMap, BTreeSet};

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
