//! The client of one server, with an accessor for each router of the API.

use super::api::{
    ApplicationApi, DeploymentApi, DockerApi, DomainApi, EnvironmentApi, PostgresApi, ProjectApi, RedisApi,
    RegistryApi, SettingsApi, SharedQueue, SwarmApi, TagApi,
};
use super::transport::{ApiError, ClientSettings, ServerTime, Transport};
use crate::DeployError;
use crate::secrets::{Redactor, Secret};
use std::future::Future;
use std::sync::Arc;

/// A client of one Dokploy server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Dokploy {
    pub(super) transport: Arc<Transport>,
    pub(super) queue: Arc<SharedQueue>,
}

impl Dokploy {
    /// Makes a client that speaks to `endpoint` with the API key `token`; connects to nothing yet.
    ///
    /// The endpoint is the address at which a browser opens Dokploy; a trailing slash, a trailing `/api` and a path
    /// prefix are understood.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when the endpoint is not an `http://` or `https://` address or the token cannot be one.
    pub fn new(endpoint: &str, token: &Secret) -> Result<Self, DeployError> {
        Self::with_settings(endpoint, token, ClientSettings::default(), Arc::new(Redactor::new()))
    }

    /// Makes a client with timeouts and retries of the caller's choice.
    ///
    /// What the server says passes `redactor` before it gets into an error; the token is added to it.
    ///
    /// # Errors
    ///
    /// As [`Dokploy::new`].
    pub fn with_settings(
        endpoint: &str,
        token: &Secret,
        settings: ClientSettings,
        redactor: Arc<Redactor>,
    ) -> Result<Self, DeployError> {
        let transport = Arc::new(Transport::new(endpoint, token, settings, redactor)?);
        Ok(Self { transport, queue: Arc::default() })
    }

    /// Sends an idempotent change with the retries of a read, also when the outcome of an attempt is unknown.
    ///
    /// # Errors
    ///
    /// What the last attempt failed with.
    pub async fn repeat<T, Sent>(&self, send: impl Fn() -> Sent) -> Result<T, ApiError>
    where
        Sent: Future<Output = Result<T, ApiError>>,
    {
        self.transport.repeat(send, |error| error.is_transient() || error.outcome_unknown()).await
    }

    /// The server's address as it is shown to people: scheme, host and port.
    pub fn origin(&self) -> String {
        self.transport.origin().to_owned()
    }

    /// The host name or address of the server.
    pub fn host(&self) -> &str {
        self.transport.host()
    }

    /// Removes the secrets that the run knows from a text of the server, for instance a log.
    pub fn redact(&self, text: &str) -> String {
        self.transport.redact(text)
    }

    /// What the newest response told of the server's clock; none before the first.
    pub fn server_time(&self) -> Option<ServerTime> {
        self.transport.server_time()
    }

    /// Projects.
    pub fn project(&self) -> ProjectApi<'_> {
        ProjectApi(&self.transport)
    }

    /// Environments: the stages of a project.
    pub fn environment(&self) -> EnvironmentApi<'_> {
        EnvironmentApi(&self.transport)
    }

    /// Applications.
    pub fn application(&self) -> ApplicationApi<'_> {
        ApplicationApi(&self.transport)
    }

    /// Postgres services.
    pub fn postgres(&self) -> PostgresApi<'_> {
        PostgresApi(&self.transport)
    }

    /// Redis services.
    pub fn redis(&self) -> RedisApi<'_> {
        RedisApi(&self.transport)
    }

    /// Domains of applications.
    pub fn domain(&self) -> DomainApi<'_> {
        DomainApi(&self.transport)
    }

    /// Image registries that the server is logged in to.
    pub fn registry(&self) -> RegistryApi<'_> {
        RegistryApi(&self.transport)
    }

    /// Deployments of applications, and the queue.
    pub fn deployment(&self) -> DeploymentApi<'_> {
        DeploymentApi(&self.transport)
    }

    /// Tasks and containers.
    pub fn docker(&self) -> DockerApi<'_> {
        DockerApi(&self.transport)
    }

    /// Swarm services.
    pub fn swarm(&self) -> SwarmApi<'_> {
        SwarmApi(&self.transport)
    }

    /// Tags of the organization.
    pub fn tag(&self) -> TagApi<'_> {
        TagApi(&self.transport)
    }

    /// The server itself.
    pub fn settings(&self) -> SettingsApi<'_> {
        SettingsApi(&self.transport)
    }
}
