//! What a caller asks for who wants other credentials.

use super::request::{Credentials, DatabaseAccess, DeployRequest, DeploySettings, split};
use super::rotate::Choice;
use crate::DeployError;
use crate::workspace::Workspace;
use serde::Deserialize;
use serde_json::Value;

/// Another value for the credentials of apps that run.
#[derive(Debug, Clone)]
pub struct RotateRequest {
    /// The workspace.
    pub workspace: Workspace,
    /// Everything else.
    pub settings: RotateSettings,
}

/// A request for a rotation without its workspace; unknown fields are errors.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateSettings {
    /// The stage.
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
    pub database_host: Option<String>,
    /// How the database is reached; default `auto`. Its port would be opened three times, and each time restart it twice.
    #[serde(default)]
    pub database_access: DatabaseAccess,
    /// Which app owns the `public` schema, as in the deployment; default `api`, `null` for none.
    #[serde(default = "super::request::default_public_schema_app")]
    pub public_schema_app: Option<String>,
    /// How long an app must stay up to count as running, in seconds; default 15.
    #[serde(default = "super::request::default_stability")]
    pub stability_seconds: u64,
}

impl RotateRequest {
    /// Reads a request from JSON: `{ workspace, stage, credentials, … }`.
    ///
    /// # Errors
    ///
    /// As [`DeployRequest::from_json`].
    pub fn from_json(value: Value) -> Result<Self, DeployError> {
        let (workspace, settings) = split(value)?;
        Ok(Self { workspace, settings })
    }

    /// The request as a run takes it, and what is rotated.
    pub(super) fn into_parts(self) -> (DeployRequest, Choice) {
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
        (DeployRequest { workspace: self.workspace, settings }, Choice { passwords, secrets: generated_secrets })
    }
}
