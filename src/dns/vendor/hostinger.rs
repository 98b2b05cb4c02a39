//! Hostinger's API: a zone is read whole, and written by record sets.

use super::record_set::{canonical_name, check_aliases, check_desired, check_unwanted, is_of, merge, same_values};
use super::transport::{Call, Reply, Transport, VendorOptions};
use crate::dns::provider::{DnsProvider, DnsRecord, RecordChange};
use crate::dns::zone::normalize_host;
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

const VENDOR: &str = "hostinger";

/// The vendor's own address.
const BASE_URL: &str = "https://developers.hostinger.com";

/// The time to live that a record has when the API does not say, in seconds.
const DEFAULT_TTL: u32 = 14_400;

/// DNS at Hostinger.
///
/// Values that are disabled there are not served, so they do not count; they are lost when their set is written.
pub struct HostingerProvider {
    transport: Transport,
}

/// A record set as the API shows it.
#[derive(Debug, Deserialize)]
struct Stored {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    ttl: Option<u32>,
    #[serde(default)]
    records: Vec<StoredValue>,
}

#[derive(Debug, Deserialize)]
struct StoredValue {
    content: String,
    #[serde(default)]
    is_disabled: bool,
}

impl HostingerProvider {
    /// Prepares calls with a token of the account.
    ///
    /// # Errors
    ///
    /// `DNS_PROVIDER` when the address or the token cannot be used.
    pub fn new(token: &Secret, options: VendorOptions) -> Result<Self, DeployError> {
        Ok(Self { transport: Transport::new(VENDOR, BASE_URL, token, options)? })
    }

    /// Calls the one path that a zone has.
    async fn call(&self, method: Method, zone: &str, body: Option<&Value>) -> Result<Reply, DeployError> {
        let domain = normalize_host(zone).unwrap_or_else(|| zone.to_owned());
        let reading = method == Method::GET;
        let path = ["api", "dns", "v1", "zones", &domain];
        let reply = self.transport.send(&Call { method, path: &path, query: &[], body }).await?;
        if reply.status.is_success() { Ok(reply) } else { Err(self.refused(&reply, zone, reading)) }
    }

    /// The error of a call that Hostinger refused.
    fn refused(&self, reply: &Reply, zone: &str, reading: bool) -> DeployError {
        let words = reply.body.get("message").or_else(|| reply.body.get("error")).and_then(Value::as_str);
        let words = self.transport.quote(words.unwrap_or_default());
        let id = reply.body.get("correlation_id").and_then(Value::as_str).unwrap_or_default();
        let id = if id.is_empty() { String::new() } else { format!(", correlation id {id}") };
        let status = reply.status.as_u16();
        let what = if reading { "read" } else { "change" };
        if matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let message =
                format!("{VENDOR} refused the token ({status}), trying to {what} the zone `{zone}`{words}{id}");
            return DeployError::new(ErrorCode::DnsProvider, message).resource(zone).reason("unauthorized").hint(format!(
                "Check `credentials.{VENDOR}.token`: it must belong to the account that holds `{zone}`; tokens are made \
                 at https://hpanel.hostinger.com/profile/api"
            ));
        }
        // A read has nothing that could be wrong but its domain.
        if reply.status == StatusCode::NOT_FOUND || (reading && reply.status == StatusCode::UNPROCESSABLE_ENTITY) {
            let message = format!("{VENDOR} has no zone `{zone}` ({status}){words}{id}");
            return DeployError::new(ErrorCode::DnsZoneNotFound, message).resource(zone).hint(format!(
                "Add `{zone}` to the {VENDOR} account, or use the token of the account that holds it; the keys of \
                 `deploy.dns` must be the zones themselves"
            ));
        }
        let message = format!("{VENDOR} refused to {what} the zone `{zone}` ({status}){words}{id}");
        DeployError::new(ErrorCode::DnsProvider, message).resource(zone).reason("refused")
    }
}

#[async_trait]
impl DnsProvider for HostingerProvider {
    fn name(&self) -> &str {
        VENDOR
    }

    async fn get_records(&self, zone: &str) -> Result<Vec<DnsRecord>, DeployError> {
        let reply = self.call(Method::GET, zone, None).await?;
        let stored: Vec<Stored> = serde_path_to_error::deserialize(&reply.body).map_err(|error| {
            let message =
                format!("The answer of the {VENDOR} API has another form than it should, reading the zone `{zone}`");
            DeployError::new(ErrorCode::DnsProvider, message).resource(zone).caused_by(&error)
        })?;
        let sets = merge(stored.into_iter().map(|set| set.into_record(zone)));
        Ok(sets.into_iter().filter(|set| !set.values.is_empty()).collect())
    }

    async fn upsert_records(&self, zone: &str, records: &[DnsRecord]) -> Result<Vec<RecordChange>, DeployError> {
        let desired = check_desired(zone, records)?;
        let existing = self.get_records(zone).await?;
        check_aliases(zone, &existing, &desired)?;
        let changes: Vec<RecordChange> = desired.into_iter().map(|record| compare(&existing, record)).collect();
        let sets: Vec<Value> = changes
            .iter()
            .filter(|change| !change.unchanged)
            .map(|RecordChange { record, .. }| {
                let values: Vec<Value> = record.values.iter().map(|value| json!({ "content": value })).collect();
                json!({ "name": record.name, "type": record.record_type, "ttl": record.ttl, "records": values })
            })
            .collect();
        if !sets.is_empty() {
            // `overwrite` replaces the sets that the request carries and nothing else; without it, the new address
            // would be added to the old one.
            let body = json!({ "overwrite": true, "zone": sets });
            self.call(Method::PUT, zone, Some(&body)).await?;
        }
        Ok(changes)
    }

    async fn delete_records(&self, zone: &str, records: &[DnsRecord]) -> Result<(), DeployError> {
        let unwanted = check_unwanted(zone, records)?;
        let existing = self.get_records(zone).await?;
        let filters: Vec<Value> = unwanted
            .iter()
            .filter(|(name, record_type)| existing.iter().any(|set| is_of(set, name, record_type)))
            .map(|(name, record_type)| json!({ "name": name, "type": record_type }))
            .collect();
        // An empty filter might mean everything.
        if !filters.is_empty() {
            self.call(Method::DELETE, zone, Some(&json!({ "filters": filters }))).await?;
        }
        Ok(())
    }
}

impl Stored {
    fn into_record(self, zone: &str) -> DnsRecord {
        let served = self.records.into_iter().filter(|value| !value.is_disabled);
        DnsRecord {
            name: canonical_name(&self.name, zone),
            record_type: self.record_type.to_ascii_uppercase(),
            ttl: self.ttl.unwrap_or(DEFAULT_TTL),
            values: served.map(|value| value.content).collect(),
        }
    }
}

/// What has to become of a wanted set.
fn compare(existing: &[DnsRecord], record: DnsRecord) -> RecordChange {
    let current = existing.iter().find(|set| is_of(set, &record.name, &record.record_type));
    let right =
        |set: &DnsRecord| set.ttl == record.ttl && same_values(&record.record_type, &set.values, &record.values);
    RecordChange { created: current.is_none(), unchanged: current.is_some_and(right), record }
}
