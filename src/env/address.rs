//! Where the provisioned services are reached, and the connection addresses that say so.

use crate::secrets::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::Deserialize;

/// What a connection address may carry unencoded in its user, password and path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// An app's own access to the database.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct PostgresAddress {
    /// The database's host name on the server's network; absent until it is created, and what needs it is then known
    /// only after apply.
    #[serde(default)]
    pub host: Option<String>,
    /// Its port; default 5432.
    #[serde(default = "postgres_port")]
    pub port: u16,
    /// The database.
    pub database: String,
    /// The app's role.
    pub user: String,
    /// The role's password.
    pub password: Secret,
}

/// Where the cache is reached.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisAddress {
    /// The cache's host name on the server's network; absent until it is created, and what needs it is then known only
    /// after apply.
    #[serde(default)]
    pub host: Option<String>,
    /// Its port; default 6379.
    #[serde(default = "redis_port")]
    pub port: u16,
    /// Its password, if it has one.
    #[serde(default)]
    pub password: Option<Secret>,
}

const fn postgres_port() -> u16 {
    5432
}

const fn redis_port() -> u16 {
    6379
}

impl PostgresAddress {
    /// The access of `user` to a database at the default port; `host` is absent until the database is created.
    pub fn new(host: Option<String>, database: String, user: String, password: Secret) -> Self {
        Self { host, port: postgres_port(), database, user, password }
    }

    /// What `DATABASE_URL` is for it; `None` until the database's host name is known.
    pub fn url(&self) -> Option<Secret> {
        let Self { host, port, database, user, password } = self;
        let (user, password, database) = (encode(user), encode(password.expose()), encode(database));
        host.as_ref().map(|host| Secret::new(format!("postgresql://{user}:{password}@{host}:{port}/{database}")))
    }
}

impl RedisAddress {
    /// A cache at the default port; `host` is absent until it is created.
    pub fn new(host: Option<String>, password: Option<Secret>) -> Self {
        Self { host, port: redis_port(), password }
    }

    /// What `REDIS_URL` is for it; `None` until the cache's host name is known.
    pub fn url(&self) -> Option<Secret> {
        let Self { host, port, password } = self;
        let login = password.as_ref().map(|password| format!(":{}@", encode(password.expose()))).unwrap_or_default();
        host.as_ref().map(|host| Secret::new(format!("redis://{login}{host}:{port}")))
    }
}

fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}
