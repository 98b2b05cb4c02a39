//! What became of host names.

use serde::Serialize;

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
