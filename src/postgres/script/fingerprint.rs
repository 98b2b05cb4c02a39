//! The fingerprint of what provisioning applies: the roles, and our SQL itself.

use super::sql;
use crate::postgres::roles::{AppRole, DatabaseRoles};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

impl DatabaseRoles {
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
        add(self.database());
        add(self.master());
        let mut apps: Vec<&AppRole> = self.apps().iter().collect();
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
        for part in self.retired().iter().flat_map(|(app, role)| ["retired", app, role]) {
            add(part);
        }
        hex::encode(digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::identifier::app_names;
    use crate::secrets::Secret;

    fn roles(change: impl FnOnce(&mut Vec<AppRole>)) -> DatabaseRoles {
        let names = app_names(["api", "auth"], Some("api")).unwrap();
        let mut apps = names.into_iter().map(|names| AppRole::new(names, Secret::new("secret"))).collect();
        change(&mut apps);
        DatabaseRoles::new("shop", "postgres", apps).unwrap()
    }

    #[test]
    fn i9_the_fingerprint_changes_with_everything_that_matters_and_with_nothing_else() {
        let same = roles(|_| ()).fingerprint();
        assert_eq!(same, roles(|apps| apps.reverse()).fingerprint());
        let changes: [fn(&mut Vec<AppRole>); 4] = [
            |apps| apps[0].password = Secret::new("other"),
            |apps| apps[1].schema = "other".to_owned(),
            |apps| apps[0].shared_with.push("auth".to_owned()),
            |apps| drop(apps.pop()),
        ];
        for change in changes {
            assert_ne!(same, roles(change).fingerprint());
        }
    }
}
