//! What a run returns.

use crate::DeployError;
use serde::Serialize;
use std::fmt;

/// The result of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// The roles of removed apps that this run barred from logging in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retired_roles: Vec<RetiredRole>,
    /// The proof of isolation, when one was made in this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<crate::postgres::IsolationReport>,
}

/// How the database was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseAccessReport {
    /// The way that was taken.
    pub way: crate::plan::DatabaseRoute,
    /// Why that way.
    pub reason: String,
}

/// The role of an app that the workspace no longer declares: it may not log in any more, and its data stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
pub enum DomainStatus {
    /// It is attached to the application.
    Attached,
    /// Its DNS does not answer yet; the next run attaches it.
    Pending,
    /// None was asked for.
    None,
}

/// What became of the host names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsReport {
    /// The server's address; absent when no host name needed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_ip: Option<String>,
    /// Each host name.
    pub hosts: Vec<HostReport>,
}

/// What became of a host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostReport {
    /// The host name.
    pub host: String,
    /// Its app.
    pub app_name: String,
    /// The provider, when its zone has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What happened to its record.
    pub record: RecordStatus,
    /// Whether its authoritative servers answer with the server's address, or its vendor's proxy leads there.
    pub verified: bool,
    /// Why it is not verified, what the user has to do, or that a proxy answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What happened to a DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordStatus {
    /// It was created.
    Created,
    /// It was replaced.
    Updated,
    /// It was right already.
    Unchanged,
    /// The user has to make it.
    Manual,
    /// Its zone is not configured.
    None,
    /// It could not be written.
    Failed,
}

/// A run that failed, with what succeeded all the same.
#[derive(Debug, Clone)]
pub struct DeployFailure {
    /// Why.
    pub error: DeployError,
    /// What became of each app; absent when nothing was begun.
    pub report: Option<Box<DeployReport>>,
}

impl fmt::Display for DeployFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl std::error::Error for DeployFailure {}

impl DeployFailure {
    /// The failure of an undeployment, with what was removed all the same.
    pub(super) fn of_undeploy(error: DeployError, report: &UndeployReport) -> Self {
        let removed: Vec<&str> = report.removed.iter().chain(&report.restored).map(String::as_str).collect();
        let hint = if removed.is_empty() {
            "Nothing was removed; the next run tries again".to_owned()
        } else {
            format!("Removed all the same: {}; the next run removes the rest", removed.join(", "))
        };
        Self { error: if error.hint_text().is_none() { error.hint(hint) } else { error }, report: None }
    }
}

impl DeployFailure {
    /// The failure of a rotation, with what was finished all the same.
    pub(super) fn of_rotation(error: DeployError, report: &RotationReport) -> Self {
        let names = |finished: bool| -> Vec<&str> {
            let apps = report.apps.iter().filter(|app| app.finished == finished);
            apps.map(|app| app.app_name.as_str()).collect()
        };
        let hint = format!(
            "Nothing is locked out. Run it again, or deploy, to finish {}{}",
            names(false).join(", "),
            if names(true).is_empty() { String::new() } else { format!("; finished: {}", names(true).join(", ")) }
        );
        let hint = error.hint_text().map_or_else(|| hint.clone(), |first| format!("{first}. {hint}"));
        Self { error: error.hint(hint), report: None }
    }
}

impl From<DeployError> for DeployFailure {
    fn from(error: DeployError) -> Self {
        Self { error, report: None }
    }
}

/// The result of an undeployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UndeployReport {
    /// What was removed, as `kind name`.
    pub removed: Vec<String>,
    /// What was put back, as `host → value`.
    pub restored: Vec<String>,
    /// What stays, and why.
    pub kept: Vec<String>,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
}

/// The result of a rotation of credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationReport {
    /// Each app whose credentials were to change.
    pub apps: Vec<RotatedApp>,
    /// How many steps changed something.
    pub changes: usize,
    /// How the database was reached, when it had to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_access: Option<DatabaseAccessReport>,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
}

/// An app whose credentials were to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotatedApp {
    /// The app.
    pub app_name: String,
    /// The variables that carry them, for instance `DATABASE_URL`.
    pub credentials: Vec<String>,
    /// Whether all of them are new, the app was seen running with them, and the former ones do not work any more.
    pub finished: bool,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
