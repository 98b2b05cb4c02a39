//! Applications: one per app and stage.

use super::deployment::Deployment;
use super::domain::Domain;
use super::health::{self, HealthCheckSwarm};
use super::nullable::null_as_default;
use super::service_status::ServiceStatus;
use crate::dokploy::transport::{ApiError, Call, Transport};
use crate::secrets::Secret;
use serde::{Deserialize, Serialize, Serializer};
use std::time::Duration;

pub(super) const CREATE: Call =
    Call::post("application.create", &["name", "environmentId", "description", "sourceType"]).sometimes(&["appName"]);
pub(super) const ONE: Call = Call::get("application.one", &["applicationId"]);
pub(super) const UPDATE: Call = Call::post("application.update", &["applicationId"]).sometimes(&[
    "description",
    "command",
    "args",
    "restartPolicySwarm",
    "healthCheckSwarm",
]);
pub(super) const SAVE_DOCKER_PROVIDER: Call = Call::post(
    "application.saveDockerProvider",
    &["applicationId", "dockerImage", "username", "password", "registryUrl"],
);
pub(super) const SAVE_ENVIRONMENT: Call =
    Call::post("application.saveEnvironment", &["applicationId", "env", "buildArgs", "buildSecrets", "createEnvFile"]);
pub(super) const DEPLOY: Call = Call::post("application.deploy", &["applicationId", "title", "description"]);
pub(super) const STOP: Call = Call::post("application.stop", &["applicationId"]);
pub(super) const START: Call = Call::post("application.start", &["applicationId"]);
pub(super) const DELETE: Call = Call::post("application.delete", &["applicationId"]);
pub(super) const READ_LOGS: Call = Call::get("application.readLogs", &["applicationId", "tail"]).sometimes(&["search"]);

/// An application as the server stores it. What it stores does not tell what runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its id.
    pub application_id: String,
    /// Its name; not unique.
    pub name: String,
    /// The name of its Swarm service, and its host name on the server's network. The server appends a random suffix.
    pub app_name: String,
    /// Its description, with our mark if it is ours.
    pub description: Option<String>,
    /// The environment it lives in.
    pub environment_id: String,
    /// What Dokploy says of its last deployment.
    #[serde(default)]
    pub application_status: ServiceStatus,
    /// Its variables, as the text that the server parses.
    pub env: Option<Secret>,
    /// Where its image comes from, `docker` for ours.
    pub source_type: Option<String>,
    /// Its image.
    pub docker_image: Option<String>,
    /// The user of its registry.
    pub username: Option<String>,
    /// The password of its registry.
    pub password: Option<Secret>,
    /// Its registry.
    pub registry_url: Option<String>,
    /// The command that takes the place of the image's own.
    pub command: Option<String>,
    /// How its containers are checked.
    #[serde(default, deserialize_with = "health::stored")]
    pub health_check_swarm: Option<HealthCheckSwarm>,
    /// Its deployments that have begun, in no order; only the response of `one` has them.
    pub deployments: Option<Vec<Deployment>>,
    /// The domains attached to it; empty in the response of `create`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub domains: Vec<Domain>,
    /// When it was made, as ISO 8601.
    #[serde(default)]
    pub created_at: String,
}

/// What to make.
#[derive(Debug, Clone)]
pub struct CreateApplication<'a> {
    /// Its name.
    pub name: &'a str,
    /// The environment it is to live in.
    pub environment_id: &'a str,
    /// The beginning of its `app_name`: at most 56 of `a-z`, `0-9` and `-`, a letter first. The server chooses one if
    /// there is none.
    pub app_name: Option<&'a str>,
    /// Its description.
    pub description: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    name: &'a str,
    environment_id: &'a str,
    // `null` is refused here.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_name: Option<&'a str>,
    description: Option<&'a str>,
    source_type: &'static str,
}

/// What to change of an application; what is `None` stays.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateApplication<'a> {
    /// The application.
    pub application_id: &'a str,
    /// Its new description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// The command that takes the place of the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'a str>,
    /// The arguments of the command; they may carry secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<&'a [Secret]>,
    /// Whether Swarm starts it again when it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy_swarm: Option<RestartPolicy>,
    /// How its containers are checked; `Some(None)`: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_swarm: Option<Option<HealthCheckSwarm>>,
}

/// Whether Swarm starts a task again when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RestartPolicy {
    /// When.
    pub condition: RestartCondition,
    /// How long it waits before; Swarm's own default is 5 s.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "nanoseconds")]
    pub delay: Option<Duration>,
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn nanoseconds<S: Serializer>(delay: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let nanoseconds = delay.map_or(0, |delay| u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
    serializer.serialize_u64(nanoseconds)
}

/// When Swarm starts a task again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartCondition {
    /// Never.
    None,
    /// When it failed.
    OnFailure,
    /// Always.
    Any,
}

/// The image of an application and the login of its registry. What is `None` is cleared.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaveDockerProvider<'a> {
    /// The application.
    pub application_id: &'a str,
    /// The image, pinned as `name@sha256:…`.
    pub docker_image: Option<&'a str>,
    /// The user of its registry.
    pub username: Option<&'a str>,
    /// The password of its registry.
    pub password: Option<&'a Secret>,
    /// Its registry: host, or host and port.
    pub registry_url: Option<&'a str>,
}

/// The variables of an application.
#[derive(Debug, Clone)]
pub struct SaveEnvironment<'a> {
    /// The application.
    pub application_id: &'a str,
    /// The variables, as the text that the server parses.
    pub env: &'a Secret,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variables<'a> {
    application_id: &'a str,
    env: &'a Secret,
    build_args: Option<&'a str>,
    build_secrets: Option<&'a str>,
    create_env_file: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deploy<'a> {
    application_id: &'a str,
    title: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    application_id: &'a str,
}

/// The calls of the application router.
#[derive(Debug, Clone, Copy)]
pub struct ApplicationApi<'a>(pub(in crate::dokploy) &'a Transport);

impl ApplicationApi<'_> {
    /// Makes an application for prebuilt images; a second one of the same name is another application.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(self, create: &CreateApplication<'_>) -> Result<Application, ApiError> {
        let CreateApplication { name, environment_id, app_name, description } = *create;
        let body = Create { name, environment_id, app_name, description, source_type: "docker" };
        self.0.post(&CREATE, &body).await
    }

    /// Reads an application.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn one(self, application_id: &str) -> Result<Application, ApiError> {
        self.0.get(&ONE, &[("applicationId", application_id)]).await
    }

    /// Changes an application; takes effect at its next deployment.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn update(self, update: &UpdateApplication<'_>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&UPDATE, update).await
    }

    /// Stores image and registry login; takes effect at the next deployment.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn save_docker_provider(self, provider: &SaveDockerProvider<'_>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&SAVE_DOCKER_PROVIDER, provider).await
    }

    /// Stores the variables; takes effect at the next deployment.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn save_environment(self, environment: &SaveEnvironment<'_>) -> Result<(), ApiError> {
        let SaveEnvironment { application_id, env } = *environment;
        let body = Variables { application_id, env, build_args: None, build_secrets: None, create_env_file: false };
        self.0.post_ignoring_response(&SAVE_ENVIRONMENT, &body).await
    }

    /// Queues a deployment; success says only that it is queued. A unique `title` finds it again.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn deploy(self, application_id: &str, title: &str, description: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&DEPLOY, &Deploy { application_id, title, description }).await
    }

    /// Stops an application; the server takes about 6 s to respond.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn stop(self, application_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&STOP, &ById { application_id }).await
    }

    /// Starts a stopped application; the server takes about 6 s to respond.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn start(self, application_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&START, &ById { application_id }).await
    }

    /// Deletes an application with its service, domains and logs; images and named volumes stay.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn delete(self, application_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&DELETE, &ById { application_id }).await
    }

    /// Reads the last `tail` lines (1 to 10,000) of its containers, each with its timestamp; several tasks are mixed,
    /// and not in the order of time.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn read_logs(self, application_id: &str, tail: u16) -> Result<Secret, ApiError> {
        let query = [("applicationId", application_id), ("tail", &tail.to_string())];
        let logs: Option<Secret> = self.0.get(&READ_LOGS, &query).await?;
        Ok(logs.unwrap_or_else(|| Secret::new("")))
    }

    /// Reads those of the last `tail` lines in which `text` stands, of letters, digits, blanks, `.`, `_` and `-`; upper
    /// and lower case are not told apart. The server gives the first MiB, and fails where there is no such line.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn search_logs(self, application_id: &str, tail: u16, text: &str) -> Result<Secret, ApiError> {
        let query = [("applicationId", application_id), ("tail", &tail.to_string()), ("search", text)];
        let logs: Option<Secret> = self.0.get(&READ_LOGS, &query).await?;
        Ok(logs.unwrap_or_else(|| Secret::new("")))
    }
}
