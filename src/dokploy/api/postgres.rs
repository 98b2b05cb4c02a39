//! Postgres services.

use super::service_status::ServiceStatus;
use crate::dokploy::transport::{ApiError, Call, Transport};
use crate::secrets::Secret;
use serde::{Deserialize, Serialize};

pub(super) const CREATE: Call = Call::post(
    "postgres.create",
    &["name", "environmentId", "databaseName", "databaseUser", "databasePassword", "description"],
)
.sometimes(&["appName", "dockerImage"]);
pub(super) const ONE: Call = Call::get("postgres.one", &["postgresId"]);
pub(super) const DEPLOY: Call = Call::post("postgres.deploy", &["postgresId"]).long();
pub(super) const SAVE_EXTERNAL_PORT: Call =
    Call::post("postgres.saveExternalPort", &["postgresId", "externalPort"]).long();
pub(super) const CHANGE_PASSWORD: Call = Call::post("postgres.changePassword", &["postgresId", "password"]);
pub(super) const REMOVE: Call = Call::post("postgres.remove", &["postgresId"]);
pub(super) const READ_LOGS: Call = Call::get("postgres.readLogs", &["postgresId", "tail"]);

/// A Postgres service as the server stores it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Postgres {
    /// Its id.
    pub postgres_id: String,
    /// Its name; not unique.
    pub name: String,
    /// The name of its Swarm service, and its host name on the server's network. The server appends a random suffix.
    pub app_name: String,
    /// Its description, with our mark if it is ours.
    pub description: Option<String>,
    /// The environment it lives in.
    pub environment_id: String,
    /// Its database.
    pub database_name: String,
    /// The user that owns it.
    pub database_user: String,
    /// That user's password.
    pub database_password: Secret,
    /// Its image.
    pub docker_image: Option<String>,
    /// The port on which the world reaches it, as stored; the server also stores numbers that are no port.
    pub external_port: Option<i64>,
    /// What Dokploy says of its last deployment; stale in every response but that of `one`.
    #[serde(default)]
    pub application_status: ServiceStatus,
    /// When it was made, as ISO 8601.
    #[serde(default)]
    pub created_at: String,
}

impl Postgres {
    /// The port that is open to the world, if one is: the server also stores 0 for closed.
    pub fn open_port(&self) -> Option<i64> {
        self.external_port.filter(|port| *port != 0)
    }
}

/// What to make.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatePostgres<'a> {
    /// Its name.
    pub name: &'a str,
    /// The environment it is to live in.
    pub environment_id: &'a str,
    /// Its database: `[a-z_][a-z0-9_]*`.
    pub database_name: &'a str,
    /// The user that owns it: `[a-z_][a-z0-9_]*`.
    pub database_user: &'a str,
    /// That user's password; letters and digits only, since the server hands it to a shell.
    pub database_password: &'a Secret,
    /// The beginning of its `app_name`: at most 56 of `a-z`, `0-9` and `-`, a letter first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<&'a str>,
    /// Its image; the server's default is `postgres:18`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_image: Option<&'a str>,
    /// Its description.
    pub description: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SavePort<'a> {
    postgres_id: &'a str,
    external_port: Option<u16>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangePassword<'a> {
    postgres_id: &'a str,
    password: &'a Secret,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    postgres_id: &'a str,
}

/// The calls of the postgres router.
#[derive(Debug, Clone, Copy)]
pub struct PostgresApi<'a>(pub(in crate::dokploy) &'a Transport);

impl PostgresApi<'_> {
    /// Makes a Postgres service; it runs only once it is deployed. A second one of the same name is another service.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(self, create: &CreatePostgres<'_>) -> Result<Postgres, ApiError> {
        self.0.post(&CREATE, create).await
    }

    /// Reads a Postgres service.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn one(self, postgres_id: &str) -> Result<Postgres, ApiError> {
        self.0.get(&ONE, &[("postgresId", postgres_id)]).await
    }

    /// Deploys it: pulls the image and starts, or restarts, the database. Success does not mean that it accepts
    /// connections.
    ///
    /// # Errors
    ///
    /// A server error with docker's message, and every other [`ApiError`].
    pub async fn deploy(self, postgres_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&DEPLOY, &ById { postgres_id }).await
    }

    /// Opens the database to the world on `port`, or closes it (`None`); restarts it, several seconds each time.
    ///
    /// # Errors
    ///
    /// A conflict when the port is taken, be it by this very service; every other [`ApiError`].
    pub async fn save_external_port(self, postgres_id: &str, port: Option<u16>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&SAVE_EXTERNAL_PORT, &SavePort { postgres_id, external_port: port }).await
    }

    /// Changes the password of the database's owner, in the running database and in the record.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn change_password(self, postgres_id: &str, password: &Secret) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&CHANGE_PASSWORD, &ChangePassword { postgres_id, password }).await
    }

    /// Removes it; its volume stays on the server, and cannot be attached again through the API.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn remove(self, postgres_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&REMOVE, &ById { postgres_id }).await
    }

    /// Reads the last `tail` lines (1 to 10,000) of its containers.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn read_logs(self, postgres_id: &str, tail: u16) -> Result<Secret, ApiError> {
        let query = [("postgresId", postgres_id), ("tail", &tail.to_string())];
        let logs: Option<Secret> = self.0.get(&READ_LOGS, &query).await?;
        Ok(logs.unwrap_or_else(|| Secret::new("")))
    }
}
