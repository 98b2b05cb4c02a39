//! The request of a rollback.

use super::credentials::Credentials;
use super::deploy::{DatabaseAccess, DeployRequest, DeploySettings};
use super::json::split;
use crate::DeployError;
use crate::workspace::Workspace;
use derive_setters::Setters;
use serde::Deserialize;
use serde_json::Value;

/// Going back to earlier deployments that were seen running.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RollbackRequest {
    /// The workspace.
    pub workspace: Workspace,
    /// Everything else.
    pub settings: RollbackSettings,
}

/// A request for a rollback without its workspace; unknown fields are errors.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct RollbackSettings {
    /// The stage.
    #[setters(into)]
    pub stage: String,
    /// Whom we are to whom.
    pub credentials: Credentials,
    /// Where to: a moment as ISO 8601, for how the apps were deployed then, or the id of a deployment, for how they were
    /// deployed when it was made. Default: each app goes back by one.
    #[serde(default)]
    #[setters(into)]
    pub to: Option<String>,
    /// The apps; default: without `to` those that the last run changed, else all.
    #[serde(default)]
    pub apps: Option<Vec<String>>,
    /// Whether the main front end has the bare domain, as in the deployment; default false.
    #[serde(default)]
    pub main_frontend_at_apex: bool,
    /// Whether domains are attached, as in the deployment; default true.
    #[serde(default = "yes")]
    pub domains: bool,
    /// Where an opened database port is reached; default: the endpoint's host.
    #[serde(default)]
    #[setters(into)]
    pub database_host: Option<String>,
    /// How the database is reached, where it has to be; default `auto`.
    #[serde(default)]
    pub database_access: DatabaseAccess,
    /// Which app owns the `public` schema, as in the deployment; default `api`, `null` for none.
    #[serde(default = "super::deploy::default_public_schema_app")]
    #[setters(into, strip_option = false)]
    pub public_schema_app: Option<String>,
    /// How long an app must stay up to count as running, in seconds; default 15.
    #[serde(default = "super::deploy::default_stability")]
    pub stability_seconds: u64,
}

impl RollbackSettings {
    /// Those of a stage, with every default: each app goes back by one.
    pub fn new(stage: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            stage: stage.into(),
            credentials,
            to: None,
            apps: None,
            main_frontend_at_apex: false,
            domains: true,
            database_host: None,
            database_access: DatabaseAccess::default(),
            public_schema_app: super::deploy::default_public_schema_app(),
            stability_seconds: super::deploy::default_stability(),
        }
    }
}

impl RollbackRequest {
    /// Makes a request of a workspace that [`Workspace::from_json`] has read.
    pub fn new(workspace: Workspace, settings: RollbackSettings) -> Self {
        Self { workspace, settings }
    }

    /// Reads a request from JSON: `{ workspace, stage, credentials, … }`.
    ///
    /// # Errors
    ///
    /// As [`DeployRequest::from_json`].
    pub fn from_json(value: Value) -> Result<Self, DeployError> {
        let (workspace, settings) = split(value)?;
        Ok(Self { workspace, settings })
    }

    /// The request in the form that every command takes, and where the apps go back to.
    pub(crate) fn into_parts(self) -> (DeployRequest, Option<String>) {
        let given = self.settings;
        let settings = DeploySettings {
            apps: given.apps,
            main_frontend_at_apex: given.main_frontend_at_apex,
            domains: given.domains,
            database_host: given.database_host,
            database_access: given.database_access,
            public_schema_app: given.public_schema_app,
            stability_seconds: given.stability_seconds,
            ..DeploySettings::new(given.stage, given.credentials)
        };
        (DeployRequest { workspace: self.workspace, settings }, given.to)
    }
}

const fn yes() -> bool {
    true
}
