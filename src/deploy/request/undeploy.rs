//! The request of an undeployment.

use super::credentials::Credentials;
use super::deploy::{DatabaseAccess, DeployRequest, DeploySettings};
use super::json::split;
use crate::DeployError;
use crate::workspace::Workspace;
use derive_setters::Setters;
use serde::Deserialize;
use serde_json::Value;

/// Removal of what was deployed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UndeployRequest {
    /// The workspace.
    pub workspace: Workspace,
    /// Everything else.
    pub settings: UndeploySettings,
}

/// An undeploy request without its workspace; unknown fields are errors.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own in the request")]
#[setters(strip_option)]
#[non_exhaustive]
pub struct UndeploySettings {
    /// The stage.
    #[setters(into)]
    pub stage: String,
    /// Whom we are to whom.
    pub credentials: Credentials,
    /// The apps to remove; default everything of the stage.
    #[serde(default)]
    pub apps: Option<Vec<String>>,
    /// Whether the main front end had the bare domain of the stage; default false.
    #[serde(default)]
    pub main_frontend_at_apex: bool,
    /// Where the database's port is reached; default the host of the Dokploy endpoint.
    #[serde(default)]
    #[setters(into)]
    pub database_host: Option<String>,
    /// How the database is reached when roles are dropped; default `auto`.
    #[serde(default)]
    pub database_access: DatabaseAccess,
    /// The app that owns `public`, which stays when its role goes; default `api`, `null`: none.
    #[serde(default = "super::deploy::default_public_schema_app")]
    #[setters(into, strip_option = false)]
    pub public_schema_app: Option<String>,
    /// Also removes databases, roles and their data; default false.
    #[serde(default)]
    pub delete_data: bool,
    /// Also removes environment and project, when nothing else lives there; default false.
    #[serde(default)]
    pub delete_project: bool,
    /// Whether `delete_data` makes a last backup first, where there are backups; default true.
    #[serde(default = "yes")]
    pub final_backup: bool,
    /// With `delete_data`: also deletes the bucket with every backup in it; default false.
    #[serde(default)]
    pub delete_backups: bool,
}

impl UndeploySettings {
    /// Those of a stage, with every default: its apps go, its data and its project stay.
    pub fn new(stage: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            stage: stage.into(),
            credentials,
            apps: None,
            main_frontend_at_apex: false,
            database_host: None,
            database_access: DatabaseAccess::default(),
            public_schema_app: super::deploy::default_public_schema_app(),
            delete_data: false,
            delete_project: false,
            final_backup: true,
            delete_backups: false,
        }
    }
}

/// What an undeployment removes beyond the apps.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own in the request")]
pub(crate) struct RemovalDepth {
    /// Also databases, roles and their data.
    pub(crate) data: bool,
    /// Also environment and project, when nothing else lives there.
    pub(crate) project: bool,
    /// A last backup before the data goes.
    pub(crate) final_backup: bool,
    /// Also the bucket with every backup.
    pub(crate) delete_backups: bool,
}

impl UndeployRequest {
    /// Makes a request of a workspace that [`Workspace::from_json`] has read.
    pub fn new(workspace: Workspace, settings: UndeploySettings) -> Self {
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

    /// The request in the form that every command takes, and how far the removal goes.
    pub(crate) fn into_parts(self) -> (DeployRequest, RemovalDepth) {
        let given = self.settings;
        let depth = RemovalDepth {
            data: given.delete_data,
            project: given.delete_project,
            final_backup: given.final_backup,
            delete_backups: given.delete_backups,
        };
        let settings = DeploySettings {
            apps: given.apps,
            main_frontend_at_apex: given.main_frontend_at_apex,
            database_host: given.database_host,
            database_access: given.database_access,
            public_schema_app: given.public_schema_app,
            ..DeploySettings::new(given.stage, given.credentials)
        };
        (DeployRequest { workspace: self.workspace, settings }, depth)
    }
}

const fn yes() -> bool {
    true
}
