//! The report of a deployment.

use super::dns::DnsReport;
use super::rollback::RolledBackApp;
use crate::plan::DatabaseRoute;
use crate::postgres::IsolationReport;
use serde::Serialize;

/// The result of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeployReport {
    /// Each app of the workspace, in the order of declaration.
    pub apps: Vec<AppReport>,
    /// The project on the server.
    pub project_id: String,
    /// The environment on the server.
    pub environment_id: String,
    /// How many steps changed something.
    pub changes: usize,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// What became of the host names.
    pub dns: DnsReport,
    /// How the database was reached, when this run worked on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_access: Option<DatabaseAccessReport>,
    /// Where the database is backed up, when the workspace declares backups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backups: Option<BackupReport>,
    /// The roles of removed apps that this run barred from logging in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retired_roles: Vec<RetiredRole>,
    /// The apps that went back to an earlier deployment, or were to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rolled_back: Vec<RolledBackApp>,
    /// The proof of isolation, when one was made in this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<IsolationReport>,
}

/// Where and when the database is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BackupReport {
    /// The bucket.
    pub bucket: String,
    /// When, as cron has it.
    pub schedule: String,
    /// Whether this run set something up.
    pub changed: bool,
}

/// How the database was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DatabaseAccessReport {
    /// The way that was taken.
    pub way: DatabaseRoute,
    /// Why that way.
    pub reason: String,
}

/// The role of an app that the workspace no longer declares: it may not log in any more, and its data stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetiredRole {
    /// The app.
    pub app_name: String,
    /// The role.
    pub role: String,
    /// What is kept, for instance `schema auth: 12 tables`.
    pub kept: Vec<String>,
}

/// What became of an app.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AppReport {
    /// The app.
    pub app_name: String,
    /// `backend`, `web` or `mobile`.
    #[serde(rename = "type")]
    pub app_type: &'static str,
    /// What was seen of it; never more.
    pub status: AppStatus,
    /// Its application on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// The image that it was deployed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Its host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether its domain is attached, waits for DNS, or is not wanted.
    pub domain: DomainStatus,
    /// Whether this run changed it.
    pub changed: bool,
    /// Why it was changed, skipped, or failed.
    pub reason: String,
}

/// How far an app was seen to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AppStatus {
    /// The server has taken the deployment.
    Queued,
    /// The server says the deployment is done.
    Deployed,
    /// What we shipped is what runs.
    Running,
    /// It was not part of this run.
    Skipped,
    /// It failed.
    Failed,
}

/// How far a domain came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DomainStatus {
    /// It is attached to the application.
    Attached,
    /// Its DNS does not answer yet; the next run attaches it.
    Pending,
    /// None was asked for.
    None,
}
