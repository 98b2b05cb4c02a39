//! The report of an undeployment.

use serde::Serialize;

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
