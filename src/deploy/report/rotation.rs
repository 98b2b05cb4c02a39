//! The report of a rotation of credentials.

use super::deploy::DatabaseAccessReport;
use serde::Serialize;

/// The result of a rotation of credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
#[non_exhaustive]
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
