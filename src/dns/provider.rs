//! The one shape of every DNS vendor.

use crate::DeployError;
use async_trait::async_trait;
use derive_setters::Setters;
use serde::{Deserialize, Serialize};

/// All records of one name and type in a zone: a record set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Setters)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DnsRecord {
    /// The name within the zone; `@` for the zone itself.
    #[setters(into)]
    pub name: String,
    /// The type, for instance `A`.
    #[serde(rename = "type")]
    #[setters(into)]
    pub record_type: String,
    /// The time to live in seconds.
    pub ttl: u32,
    /// Its values.
    pub values: Vec<String>,
}

impl DnsRecord {
    /// A record set of a name within the zone (`@` for the zone itself), of a type as `A`, with its time to live in seconds.
    pub fn new(name: impl Into<String>, record_type: impl Into<String>, ttl: u32, values: Vec<String>) -> Self {
        Self { name: name.into(), record_type: record_type.into(), ttl, values }
    }
}

/// What an upsert did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Setters)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordChange {
    /// The record set as it is now.
    pub record: DnsRecord,
    /// Whether it did not exist before.
    pub created: bool,
    /// Whether it was right already and left alone.
    pub unchanged: bool,
}

impl RecordChange {
    /// Says that a record set was replaced; [`created`](Self::created) and [`unchanged`](Self::unchanged) say otherwise.
    pub fn new(record: DnsRecord) -> Self {
        Self { record, created: false, unchanged: false }
    }
}

/// A DNS vendor's API, or a hook of the caller. The shape is the CLI's own `DnsProvider`.
#[async_trait]
pub trait DnsProvider: Send + Sync {
    /// The vendor's name.
    fn name(&self) -> &str;

    /// Every record set of a zone.
    ///
    /// # Errors
    ///
    /// `DNS_ZONE_NOT_FOUND` when the vendor does not serve the zone, `DNS_PROVIDER` when it refuses or fails the call.
    async fn get_records(&self, zone: &str) -> Result<Vec<DnsRecord>, DeployError>;

    /// Makes each record set be exactly what is given: created, replaced in place, or left alone when right.
    ///
    /// # Errors
    ///
    /// As [`Self::get_records`].
    async fn upsert_records(&self, zone: &str, records: &[DnsRecord]) -> Result<Vec<RecordChange>, DeployError>;

    /// Deletes record sets by name and type; one that is gone already is no error.
    ///
    /// # Errors
    ///
    /// As [`Self::get_records`].
    async fn delete_records(&self, zone: &str, records: &[DnsRecord]) -> Result<(), DeployError>;

    /// The names in a zone that the vendor answers with addresses of its own, as a CDN does.
    ///
    /// Such a name never resolves to the server, so only the vendor can say whether it is right. Default: none.
    ///
    /// # Errors
    ///
    /// As [`Self::get_records`].
    async fn get_proxied_names(&self, _zone: &str) -> Result<Vec<String>, DeployError> {
        Ok(Vec::new())
    }
}
