//! Redis services.

use super::service_status::ServiceStatus;
use crate::dokploy::transport::{ApiError, Call, Transport};
use crate::secrets::Secret;
use serde::{Deserialize, Serialize};

pub(super) const CREATE: Call =
    Call::post("redis.create", &["name", "environmentId", "databasePassword", "description"])
        .sometimes(&["appName", "dockerImage"]);
pub(super) const ONE: Call = Call::get("redis.one", &["redisId"]);
pub(super) const DEPLOY: Call = Call::post("redis.deploy", &["redisId"]).long();
pub(super) const REMOVE: Call = Call::post("redis.remove", &["redisId"]);

/// A Redis service as the server stores it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redis {
    /// Its id.
    pub redis_id: String,
    /// Its name; not unique.
    pub name: String,
    /// The name of its Swarm service, and its host name on the server's network. The server appends a random suffix.
    pub app_name: String,
    /// Its description, with our mark if it is ours.
    pub description: Option<String>,
    /// The environment it lives in.
    pub environment_id: String,
    /// Its password.
    pub database_password: Secret,
    /// Its image.
    pub docker_image: Option<String>,
    /// The port on which the world reaches it, as stored.
    pub external_port: Option<i64>,
    /// What Dokploy says of its last deployment; stale in every response but that of `one`.
    #[serde(default)]
    pub application_status: ServiceStatus,
    /// When it was made, as ISO 8601.
    #[serde(default)]
    pub created_at: String,
}

/// What to make.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRedis<'a> {
    /// Its name.
    pub name: &'a str,
    /// The environment it is to live in.
    pub environment_id: &'a str,
    /// Its password; letters and digits only, since the server hands it to a shell unquoted.
    pub database_password: &'a Secret,
    /// The beginning of its `app_name`: at most 56 of `a-z`, `0-9` and `-`, a letter first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<&'a str>,
    /// Its image; the server's default is `redis:8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_image: Option<&'a str>,
    /// Its description.
    pub description: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    redis_id: &'a str,
}

/// The calls of the redis router.
#[derive(Debug, Clone, Copy)]
pub struct RedisApi<'a>(pub(in crate::dokploy) &'a Transport);

impl RedisApi<'_> {
    /// Makes a Redis service; it runs only once it is deployed. A second one of the same name is another service.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(self, create: &CreateRedis<'_>) -> Result<Redis, ApiError> {
        self.0.post(&CREATE, create).await
    }

    /// Reads a Redis service.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn one(self, redis_id: &str) -> Result<Redis, ApiError> {
        self.0.get(&ONE, &[("redisId", redis_id)]).await
    }

    /// Deploys it. Of one that runs, a new deployment loses the keys that Redis has not yet saved.
    ///
    /// # Errors
    ///
    /// A server error with docker's message, and every other [`ApiError`].
    pub async fn deploy(self, redis_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&DEPLOY, &ById { redis_id }).await
    }

    /// Removes it; its volume stays on the server, and cannot be attached again through the API.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn remove(self, redis_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&REMOVE, &ById { redis_id }).await
    }
}
