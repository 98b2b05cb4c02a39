//! What a caller asks for.

use super::leave::Depth;
use crate::env::Secrets;
use crate::secrets::Secret;
use crate::workspace::Workspace;
use crate::{DeployError, ErrorCode};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A deployment of a workspace to a stage (design: The public surface).
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// The workspace.
    pub workspace: Workspace,
    /// Everything else.
    pub settings: DeploySettings,
}

/// A request without its workspace; unknown fields are errors.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploySettings {
    /// The stage.
    pub stage: String,
    /// Whom we are to whom.
    pub credentials: Credentials,
    /// Values that the user provides.
    #[serde(default)]
    pub secrets: Secrets,
    /// The apps to deploy; default all.
    #[serde(default)]
    pub apps: Option<Vec<String>>,
    /// The tag of images; default `{stage}-{timestamp}`.
    #[serde(default)]
    pub tag: Option<String>,
    /// App to image reference, deployed instead of building.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// Gives the main front end the bare domain; default false.
    #[serde(default)]
    pub main_frontend_at_apex: bool,
    /// The server's address; default: what the endpoint's host resolves to.
    #[serde(default)]
    pub server_ip: Option<IpAddr>,
    /// Where an opened database port is reached; default: the endpoint's host.
    #[serde(default)]
    pub database_host: Option<String>,
    /// How the database is reached; default `auto`.
    #[serde(default)]
    pub database_access: DatabaseAccess,
    /// Which app owns the `public` schema; default `api`, `null` for none.
    #[serde(default = "default_public_schema_app")]
    pub public_schema_app: Option<String>,
    /// What a failed sniff does; default `fail`.
    #[serde(default)]
    pub on_sniff_error: OnSniffError,
    /// How far a deployment is followed; default `running`.
    #[serde(default)]
    pub wait_for: WaitFor,
    /// How long an app must stay up to count as running, in seconds; default 15.
    #[serde(default = "default_stability")]
    pub stability_seconds: u64,
    /// How long DNS is waited for, in seconds; default 300.
    #[serde(default = "default_dns_timeout")]
    pub dns_timeout_seconds: u64,
    /// Refuses to replace DNS records that we did not write; default false.
    #[serde(default)]
    pub protect_foreign_dns: bool,
    /// Apps whose same-named, unmarked application on the server we may take.
    #[serde(default)]
    pub adopt: Vec<String>,
    /// Whether domains are attached; default true.
    #[serde(default = "default_true")]
    pub domains: bool,
    /// The platform of images; default `linux/amd64`.
    #[serde(default = "default_platform")]
    pub platform: String,
}

/// The credentials of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// Dokploy's.
    pub dokploy: DokployCredentials,
    /// The image registry's.
    #[serde(default)]
    pub registry: Option<RegistryCredentials>,
    /// Hostinger's.
    #[serde(default)]
    pub hostinger: Option<VendorCredentials>,
    /// Cloudflare's.
    #[serde(default)]
    pub cloudflare: Option<VendorCredentials>,
}

/// How Dokploy is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DokployCredentials {
    /// The server's address; default: the workspace's endpoint of the stage.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The API key.
    pub token: Secret,
}

/// A login at an image registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryCredentials {
    /// The registry's host; default: that of the workspace's `registry`.
    #[serde(default)]
    pub url: Option<String>,
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

/// A token for a DNS vendor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VendorCredentials {
    /// The token.
    pub token: Secret,
    /// The API's address; default: the vendor's own.
    #[serde(default)]
    pub base_url: Option<String>,
}

/// How the database is reached (design: Details, reaching the database).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseAccess {
    /// Its external port is opened, used and closed.
    ExternalPort,
    /// A short-lived application on the server's own network runs the SQL.
    Internal,
    /// `internal`, and the port where that fails as a way or was seen to fail; the default.
    #[default]
    Auto,
}

/// What a failed sniff does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnSniffError {
    /// It stops the deployment.
    #[default]
    Fail,
    /// It is a warning; what was captured counts.
    Warn,
}

/// How far a deployment is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitFor {
    /// Until the server has taken it.
    Queued,
    /// Until the server says it is done.
    Deployed,
    /// Until what we shipped is what runs, through the stability window.
    #[default]
    Running,
}

/// Removal of what was deployed.
#[derive(Debug, Clone)]
pub struct UndeployRequest {
    /// The workspace.
    pub workspace: Workspace,
    /// Everything else.
    pub settings: UndeploySettings,
}

/// An undeploy request without its workspace; unknown fields are errors.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UndeploySettings {
    /// The stage.
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
    pub database_host: Option<String>,
    /// How the database is reached when roles are dropped; default `auto`.
    #[serde(default)]
    pub database_access: DatabaseAccess,
    /// The app that owns `public`, which stays when its role goes; default `api`, `null`: none.
    #[serde(default = "default_public_schema_app")]
    pub public_schema_app: Option<String>,
    /// Also removes databases, roles and their data; default false.
    #[serde(default)]
    pub delete_data: bool,
    /// Also removes environment and project, when nothing else lives there; default false.
    #[serde(default)]
    pub delete_project: bool,
}

impl DeployRequest {
    /// Reads a request from JSON: `{ workspace, stage, credentials, … }`.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` with the path of the wrong or unknown field, `INVALID_WORKSPACE` with every fault of the
    /// workspace.
    pub fn from_json(value: Value) -> Result<Self, DeployError> {
        let (workspace, settings) = split(value)?;
        Ok(Self { workspace, settings })
    }
}

impl UndeployRequest {
    /// Reads a request from JSON: `{ workspace, stage, credentials, … }`.
    ///
    /// # Errors
    ///
    /// As [`DeployRequest::from_json`].
    pub fn from_json(value: Value) -> Result<Self, DeployError> {
        let (workspace, settings) = split(value)?;
        Ok(Self { workspace, settings })
    }

    /// The request as a run takes it, and how far the removal goes.
    pub(super) fn into_parts(self) -> (DeployRequest, Depth) {
        let given = self.settings;
        let depth = Depth { data: given.delete_data, project: given.delete_project };
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

impl DeploySettings {
    /// Those of a stage, with every default.
    pub(super) fn new(stage: String, credentials: Credentials) -> Self {
        Self {
            stage,
            credentials,
            secrets: Secrets::default(),
            apps: None,
            tag: None,
            images: BTreeMap::new(),
            main_frontend_at_apex: false,
            server_ip: None,
            database_host: None,
            database_access: DatabaseAccess::default(),
            public_schema_app: default_public_schema_app(),
            on_sniff_error: OnSniffError::default(),
            wait_for: WaitFor::default(),
            stability_seconds: default_stability(),
            dns_timeout_seconds: default_dns_timeout(),
            protect_foreign_dns: false,
            adopt: Vec::new(),
            domains: true,
            platform: default_platform(),
        }
    }
}

/// What is wrong with a field. The value of one that may hold a secret is left out (I6).
fn fault(path: &str, text: &str) -> String {
    let may_hold_secrets = path.starts_with("credentials") || path.starts_with("secrets");
    match text.split_once(", expected ") {
        Some((found, expected)) if may_hold_secrets && found.starts_with("invalid ") => format!("expected {expected}"),
        _ => text.to_owned(),
    }
}

/// Parts a request into its workspace, whose unknown fields pass, and the rest, whose unknown fields do not.
pub(super) fn split<T: serde::de::DeserializeOwned>(value: Value) -> Result<(Workspace, T), DeployError> {
    let Value::Object(mut fields) = value else {
        return Err(DeployError::new(ErrorCode::InvalidRequest, "The request must be an object"));
    };
    let workspace = fields.shift_remove("workspace").ok_or_else(|| {
        DeployError::new(ErrorCode::InvalidRequest, "workspace: missing")
            .hint("Pass the workspace as the CLI has loaded it")
    })?;
    let settings = serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        DeployError::new(ErrorCode::InvalidRequest, format!("{place}{}", fault(&path, &error.inner().to_string())))
    })?;
    Ok((Workspace::from_json(workspace)?, settings))
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
pub(super) fn default_public_schema_app() -> Option<String> {
    Some("api".to_owned())
}

pub(super) const fn default_stability() -> u64 {
    15
}

const fn default_dns_timeout() -> u64 {
    300
}

const fn default_true() -> bool {
    true
}

fn default_platform() -> String {
    "linux/amd64".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn i6_a_wrong_field_is_named_and_a_secret_one_not_quoted() {
        let request = |credentials: Value| json!({ "workspace": {}, "stage": "s", "credentials": credentials });
        let message = |value| split::<DeploySettings>(value).unwrap_err().message().to_owned();
        let secret = message(request(json!({ "dokploy": "canary-token" })));
        assert!(secret.starts_with("credentials.dokploy: expected") && !secret.contains("canary"), "{secret}");
        let unknown = message(request(json!({ "dokploy": { "token": "t" }, "cloudfare": {} })));
        assert!(unknown.contains("unknown field `cloudfare`"), "{unknown}");
    }
}
