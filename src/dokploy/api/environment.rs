//! Environments: the stages of a project.

use super::nullable::null_as_default;
use super::service_status::ServiceStatus;
use crate::dokploy::transport::{ApiError, Call, Transport};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const ONE: Call = Call::get("environment.one", &["environmentId"]);
pub(super) const BY_PROJECT_ID: Call = Call::get("environment.byProjectId", &["projectId"]);
pub(super) const CREATE: Call = Call::post("environment.create", &["name", "projectId"]).sometimes(&["description"]);
pub(super) const UPDATE: Call =
    Call::post("environment.update", &["environmentId"]).sometimes(&["name", "description"]);
pub(super) const REMOVE: Call = Call::post("environment.remove", &["environmentId"]);

/// An environment and the services in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct Environment {
    /// Its id.
    pub environment_id: String,
    /// Its name; not unique within its project.
    pub name: String,
    /// Its description, with our mark if it is ours.
    pub description: Option<String>,
    /// The project; absent where the environment is nested in it.
    pub project_id: Option<String>,
    /// Whether it came with the project; such a one cannot be removed.
    pub is_default: bool,
    /// Its applications.
    pub applications: Vec<ServiceEntry>,
    /// Its Postgres services.
    pub postgres: Vec<ServiceEntry>,
    /// Its Redis services.
    pub redis: Vec<ServiceEntry>,
    /// How many services of other kinds live in it.
    pub other_services: usize,
}

impl Environment {
    /// Whether no service of any kind lives in it.
    pub fn is_empty(&self) -> bool {
        self.applications.is_empty() && self.postgres.is_empty() && self.redis.is_empty() && self.other_services == 0
    }
}

/// A service as its environment lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEntry {
    /// Its id.
    #[serde(alias = "applicationId", alias = "postgresId", alias = "redisId")]
    pub id: String,
    /// Its name; not unique.
    #[serde(default)]
    pub name: String,
    /// Its description, with our mark if it is ours.
    pub description: Option<String>,
    /// What Dokploy says of its last deployment.
    #[serde(default)]
    pub application_status: ServiceStatus,
    /// When it was made, as ISO 8601.
    #[serde(default)]
    pub created_at: String,
}

/// The response, with the services of other kinds under names of their own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    environment_id: String,
    name: String,
    description: Option<String>,
    project_id: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    is_default: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    applications: Vec<ServiceEntry>,
    #[serde(default, deserialize_with = "null_as_default")]
    postgres: Vec<ServiceEntry>,
    #[serde(default, deserialize_with = "null_as_default")]
    redis: Vec<ServiceEntry>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl From<Wire> for Environment {
    fn from(wire: Wire) -> Self {
        // A kind of service that this client does not know counts as well: what is not ours stays (I8).
        let other_services = wire.rest.values().filter_map(Value::as_array).map(Vec::len).sum();
        Self {
            environment_id: wire.environment_id,
            name: wire.name,
            description: wire.description,
            project_id: wire.project_id,
            is_default: wire.is_default,
            applications: wire.applications,
            postgres: wire.postgres,
            redis: wire.redis,
            other_services,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    name: &'a str,
    project_id: &'a str,
    // `null` is refused here.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// What to change of an environment; what is `None` stays.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateEnvironment<'a> {
    /// The environment.
    pub environment_id: &'a str,
    /// Its new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Its new description; empty clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    environment_id: &'a str,
}

/// The calls of the environment router.
#[derive(Debug, Clone, Copy)]
pub struct EnvironmentApi<'a>(pub(in crate::dokploy) &'a Transport);

impl EnvironmentApi<'_> {
    /// Reads an environment with its services.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn one(self, environment_id: &str) -> Result<Environment, ApiError> {
        self.0.get(&ONE, &[("environmentId", environment_id)]).await
    }

    /// Lists the environments of a project with their services; none for a project that does not exist.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn by_project_id(self, project_id: &str) -> Result<Vec<Environment>, ApiError> {
        self.0.get(&BY_PROJECT_ID, &[("projectId", project_id)]).await
    }

    /// Makes an environment; a second one of the same name is another environment. The name `production` is refused.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(
        self,
        name: &str,
        project_id: &str,
        description: Option<&str>,
    ) -> Result<Environment, ApiError> {
        self.0.post(&CREATE, &Create { name, project_id, description }).await
    }

    /// Changes an environment.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn update(self, update: &UpdateEnvironment<'_>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&UPDATE, update).await
    }

    /// Removes an environment; refused by the server while services live in it, and for the default one.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn remove(self, environment_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&REMOVE, &ById { environment_id }).await
    }
}
