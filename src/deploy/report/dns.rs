//! What became of host names.

use serde::Serialize;

/// What became of the host names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct HostReport {
    /// The host name.
    pub host: String,
    /// Its app.
    pub app_name: String,
    /// The zone in which it lies, when one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Its name in the zone; `@` is the zone itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The provider, when its zone has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What happened to its record.
    pub record: RecordStatus,
    /// The value that its A record has to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The values that this run replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<String>,
    /// Whether its authoritative servers answer with the server's address, or its vendor's proxy leads there.
    pub verified: bool,
    /// Why it is not verified, or that a proxy answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<HostReason>,
    /// The same in words, with what the user has to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Why a host name is not verified, or is so by another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HostReason {
    /// No zone of the workspace holds it.
    NoZone,
    /// The user makes the records of its zone by hand.
    Manual,
    /// Its name servers do not answer with the address, or not all of them.
    NotAnswering,
    /// Its record could not be written or looked up.
    Failed,
    /// Its vendor answers for it, and leads to the server.
    Proxied,
}

/// What is said of a host name that no zone of the workspace holds.
pub(crate) fn unserved_message(host: &str, address: Option<&str>) -> String {
    let record = address.map_or_else(|| "its record".to_owned(), |address| format!("the record {host} A {address}"));
    format!("no zone of deploy.dns holds {host}: {record} is yours to make")
}

/// What happened to a DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
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
    /// The run was cancelled before it was written.
    Pending,
}
