//! Deployments of applications, and the queue in which they wait.

use super::nullable::null_as_default;
use crate::dokploy::transport::{ApiError, Call, Transport};
use crate::secrets::Secret;
use serde::Deserialize;

pub(super) const ALL: Call = Call::get("deployment.all", &["applicationId"]);
pub(super) const READ_LOGS: Call = Call::get("deployment.readLogs", &["deploymentId", "tail"]);
pub(super) const QUEUE_LIST: Call = Call::get("deployment.queueList", &[]);

/// A deployment that has begun; the server keeps about ten per application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its id.
    pub deployment_id: String,
    /// Its title, as it was given.
    pub title: String,
    /// Its description, as it was given.
    pub description: Option<String>,
    /// Where it is.
    pub status: DeploymentStatus,
    /// When it began, as ISO 8601.
    #[serde(default)]
    pub created_at: String,
}

/// Where a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentStatus {
    /// Its image is pulled or its service is changed.
    Running,
    /// Its service was made or changed; that says nothing of what runs.
    Done,
    /// It failed; its log says why.
    Error,
    /// The server was restarted meanwhile, or somebody stopped it.
    Cancelled,
    /// A status that this client does not know.
    #[serde(other)]
    Unknown,
}

/// A deployment that waits or is under way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct QueueJob {
    /// The application.
    pub application_id: Option<String>,
    /// The deployment's title.
    pub title: Option<String>,
    /// Whether it is under way, and not waiting.
    pub active: bool,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "null_as_default")]
    data: JobData,
    #[serde(default)]
    state: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobData {
    application_id: Option<String>,
    title_log: Option<String>,
}

impl From<Wire> for QueueJob {
    fn from(Wire { data, state }: Wire) -> Self {
        let active = state == "active";
        Self { application_id: data.application_id, title: data.title_log, active }
    }
}

/// The calls of the deployment router.
#[derive(Debug, Clone, Copy)]
pub struct DeploymentApi<'a>(pub(in crate::dokploy) &'a Transport);

impl DeploymentApi<'_> {
    /// Lists the deployments of an application that have begun, newest first.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn all(self, application_id: &str) -> Result<Vec<Deployment>, ApiError> {
        self.0.get(&ALL, &[("applicationId", application_id)]).await
    }

    /// Reads the last `tail` lines (1 to 10,000) of a deployment's log.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn read_logs(self, deployment_id: &str, tail: u16) -> Result<Secret, ApiError> {
        let query = [("deploymentId", deployment_id), ("tail", &tail.to_string())];
        let logs: Option<Secret> = self.0.get(&READ_LOGS, &query).await?;
        Ok(logs.unwrap_or_else(|| Secret::new("")))
    }

    /// Lists the deployments of the whole server that wait or are under way.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn queue_list(self) -> Result<Vec<QueueJob>, ApiError> {
        self.0.get(&QUEUE_LIST, &[]).await
    }
}
