//! The request of a deployment.

use super::credentials::Credentials;
use super::json::split;
use crate::DeployError;
use crate::env::Secrets;
use crate::workspace::{Health, Release, Workspace};
use derive_setters::Setters;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A deployment of a workspace to a stage (design: The public surface).
///
/// ```
/// use deploy_native::deploy::{Credentials, DeployRequest, DeploySettings, DokployCredentials, WaitFor};
/// use deploy_native::workspace::Workspace;
/// use serde_json::json;
///
/// let workspace = Workspace::from_json(json!({
///     "name": "shop",
///     "root": "/home/me/shop",
///     "apps": { "api": { "type": "backend", "path": "apps/api", "port": 3000, "entry": "src/index.ts" } },
///     "services": { "db": true },
///     "deploy": { "dokploy": {
///         "endpoint": "https://dokploy.example.com",
///         "registry": "ghcr.io/example",
///         "domains": { "production": "example.com" },
///     } },
/// }))?;
/// let credentials = Credentials::new(DokployCredentials::new("the API key"));
/// let settings = DeploySettings::new("production", credentials).tag("v1.2.3").wait_for(WaitFor::Deployed);
/// let request = DeployRequest::new(workspace, settings);
/// assert_eq!(request.settings.stability_seconds, 15);
/// # Ok::<(), deploy_native::DeployError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeployRequest {
    /// The workspace.
    pub workspace: Workspace,
    /// Everything else.
    pub settings: DeploySettings,
}

/// A request without its workspace; unknown fields are errors.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct DeploySettings {
    /// The stage.
    #[setters(into)]
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
    #[setters(into)]
    pub tag: Option<String>,
    /// App to image reference, deployed instead of building.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// App to what is run once before it is deployed; takes the place of what the workspace says.
    #[serde(default)]
    pub release: BTreeMap<String, Release>,
    /// App to how it is found out that it works; takes the place of what the workspace says.
    #[serde(default)]
    pub health: BTreeMap<String, Health>,
    /// Gives the main front end the bare domain; default false.
    #[serde(default)]
    pub main_frontend_at_apex: bool,
    /// The server's address; default: what the endpoint's host resolves to.
    #[serde(default)]
    pub server_ip: Option<IpAddr>,
    /// Where an opened database port is reached; default: the endpoint's host.
    #[serde(default)]
    #[setters(into)]
    pub database_host: Option<String>,
    /// How the database is reached; default `auto`.
    #[serde(default)]
    pub database_access: DatabaseAccess,
    /// Which app owns the `public` schema; default `api`, `null` for none.
    #[serde(default = "default_public_schema_app")]
    #[setters(into, strip_option = false)]
    pub public_schema_app: Option<String>,
    /// What a failed sniff does; default `fail`.
    #[serde(default)]
    pub on_sniff_error: OnSniffError,
    /// What becomes of apps that a run has changed when another one fails; default `keep`.
    #[serde(default)]
    pub on_failure: OnFailure,
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
    #[setters(into)]
    pub platform: String,
}

/// How the database is reached (design: Details, reaching the database).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum OnSniffError {
    /// It stops the deployment.
    #[default]
    Fail,
    /// It is a warning; what was captured counts.
    Warn,
}

/// What becomes of apps that a run has changed when another one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnFailure {
    /// They stay as they are.
    #[default]
    Keep,
    /// They go back to what was seen running before.
    Rollback,
}

/// How far a deployment is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum WaitFor {
    /// Until the server has taken it.
    Queued,
    /// Until the server says it is done.
    Deployed,
    /// Until what we shipped is what runs, through the stability window.
    #[default]
    Running,
}

impl DeployRequest {
    /// Makes a request of a workspace that [`Workspace::from_json`] has read.
    pub fn new(workspace: Workspace, settings: DeploySettings) -> Self {
        Self { workspace, settings }
    }

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

impl DeploySettings {
    /// Those of a stage, with every default.
    pub fn new(stage: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            stage: stage.into(),
            credentials,
            secrets: Secrets::default(),
            apps: None,
            tag: None,
            images: BTreeMap::new(),
            release: BTreeMap::new(),
            health: BTreeMap::new(),
            main_frontend_at_apex: false,
            server_ip: None,
            database_host: None,
            database_access: DatabaseAccess::default(),
            public_schema_app: default_public_schema_app(),
            on_sniff_error: OnSniffError::default(),
            on_failure: OnFailure::default(),
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

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
pub(crate) fn default_public_schema_app() -> Option<String> {
    Some("api".to_owned())
}

pub(crate) const fn default_stability() -> u64 {
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
