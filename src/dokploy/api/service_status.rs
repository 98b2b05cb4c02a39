//! What Dokploy says of a service, be it an application or a database.

use serde::Deserialize;

/// What Dokploy says of a service. It says nothing of what runs: `done` means that the last deployment was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceStatus {
    /// Never deployed, stopped, or changed since.
    Idle,
    /// A deployment is under way.
    Running,
    /// The last deployment was accepted.
    Done,
    /// The last deployment failed.
    Error,
    /// A status that this client does not know.
    #[default]
    #[serde(other)]
    Unknown,
}
