//! Reading answers: what several of them have in common.

use serde::{Deserialize, Deserializer};

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

/// Reads `null` like an absent field: as the default.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
