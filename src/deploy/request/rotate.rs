//! The request of a rotation of credentials.

use super::credentials::Credentials;
use super::deploy::{DatabaseAccess, DeployRequest, DeploySettings};
use super::json::split;
use crate::DeployError;
use crate::workspace::Workspace;
use derive_setters::Setters;
use serde::Deserialize;
use serde_json::Value;

/// Another value for the credentials of apps that run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RotateRequest {
    /// The workspace.
    pub workspace: Workspace,
    /// Everything else.
    pub settings: RotateSettings,
}

/// A request for a rotation without its workspace; unknown fields are errors.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct RotateSettings {
    /// The stage.
    #[setters(into)]
    pub stage: String,
    /// Whom we are to whom.
    pub credentials: Credentials,
    /// The apps; default every app that has what is rotated.
    #[serde(default)]
    pub apps: Option<Vec<String>>,
    /// Generated variables that get another value, for instance `BETTER_AUTH_SECRET`; default none.
    #[serde(default)]
    pub generated_secrets: Vec<String>,
    /// Whether the database users get other passwords; default true, unless `generated_secrets` names some.
    #[serde(default)]
    pub database_passwords: Option<bool>,
    /// Where an opened database port is reached; default: the endpoint's host.
    #[serde(default)]
    #[setters(into)]
    pub database_host: Option<String>,
    /// How the database is reached; default `auto`. Its port would be opened three times, and each time restart it twice.
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

impl RotateSettings {
    /// Those of a stage, with every default: every app's database user gets another password.
    pub fn new(stage: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            stage: stage.into(),
            credentials,
            apps: None,
            generated_secrets: Vec::new(),
            database_passwords: None,
            database_host: None,
            database_access: DatabaseAccess::default(),
            public_schema_app: super::deploy::default_public_schema_app(),
            stability_seconds: super::deploy::default_stability(),
        }
    }
}

/// Which kinds of credentials are rotated.
#[derive(Debug, Clone)]
pub(crate) struct RotationChoice {
    /// The passwords of the database logins.
    pub(crate) passwords: bool,
    /// These generated variables.
    pub(crate) secrets: Vec<String>,
}

impl RotateRequest {
    /// Makes a request of a workspace that [`Workspace::from_json`] has read.
    pub fn new(workspace: Workspace, settings: RotateSettings) -> Self {
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

    /// The request in the form that every command takes, and what is rotated.
    pub(crate) fn into_parts(self) -> (DeployRequest, RotationChoice) {
        let RotateSettings { stage, credentials, apps, generated_secrets, database_passwords, .. } = self.settings;
        let passwords = database_passwords.unwrap_or(generated_secrets.is_empty());
        let settings = DeploySettings {
            apps,
            database_host: self.settings.database_host,
            database_access: self.settings.database_access,
            public_schema_app: self.settings.public_schema_app,
            stability_seconds: self.settings.stability_seconds,
            ..DeploySettings::new(stage, credentials)
        };
        (
            DeployRequest { workspace: self.workspace, settings },
            RotationChoice { passwords, secrets: generated_secrets },
        )
    }
}
