//! The report of an undeployment.

use serde::Serialize;

/// The result of an undeployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UndeployReport {
    /// What was removed, as `kind name`.
    pub removed: Vec<String>,
    /// What was put back, as `host → value`.
    pub restored: Vec<String>,
    /// What stays, and why.
    pub kept: Vec<String>,
    /// The same as data: each resource that was to go, and what became of it.
    pub resources: Vec<RemovedResource>,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
}

/// A resource that an undeployment was to remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RemovedResource {
    /// For instance `application auth`.
    pub resource: String,
    /// The app it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What became of it.
    pub outcome: RemovalOutcome,
    /// What was put back, for a DNS record in whose place another one stood before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Why it stays, or what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a resource that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RemovalOutcome {
    /// It is gone.
    Removed,
    /// What stood there before us stands there again.
    Restored,
    /// It stays.
    Kept,
    /// It could not be removed.
    Failed,
    /// The run ended before.
    NotReached,
}
