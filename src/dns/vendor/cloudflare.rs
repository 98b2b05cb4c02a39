//! Cloudflare's API, version 4: every value of a record set is a record of its own, with an id.

use super::record_set::{canonical_name, canonical_value, check_aliases, check_desired, check_unwanted, is_of, merge};
use super::transport::{Call, Reply, Transport, VendorOptions};
use crate::dns::provider::{DnsProvider, DnsRecord, RecordChange};
use crate::dns::zone::{host_in_zone, normalize_host};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

const VENDOR: &str = "cloudflare";

/// The vendor's own address.
const BASE_URL: &str = "https://api.cloudflare.com/client/v4";

/// How many records are asked for at once; what the API gives by itself.
const PAGE: usize = 100;

/// More pages than any zone has; a server that never ends must not keep us.
const MOST_PAGES: usize = 2000;

/// How many record sets are written at a time.
const SIDE_BY_SIDE: usize = 4;

/// The code with which the API refuses a record that exists already, with the same name, type and content.
const IDENTICAL: [u64; 2] = [81_057, 81_058];

/// The codes of a token that is malformed, unknown, or may not do this.
const CREDENTIAL: [u64; 4] = [6003, 9106, 9109, 10_000];

/// DNS at Cloudflare.
///
/// A record's `proxied` flag, comment and tags stay as they are when its value changes. New records are not proxied. A
/// proxied record has no time to live of its own, so none is compared or sent.
pub struct CloudflareProvider {
    transport: Transport,
    zones: Mutex<BTreeMap<String, String>>,
}

/// A zone as the API shows it.
#[derive(Deserialize)]
struct Zone {
    id: String,
    name: String,
    #[serde(default)]
    status: String,
}

/// One record as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Stored {
    id: String,
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    #[serde(default)]
    content: String,
    ttl: u32,
    #[serde(default)]
    proxied: bool,
    priority: Option<u32>,
}

/// One write that brings a record set nearer to what is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Write {
    Change { id: String, content: Option<String>, ttl: Option<u32> },
    Create { content: String },
    Delete { id: String },
}

impl CloudflareProvider {
    /// Prepares calls with a token that has the permissions Zone:Read and DNS:Edit.
    ///
    /// # Errors
    ///
    /// `DNS_PROVIDER` when the address or the token cannot be used.
    pub fn new(token: &Secret, options: VendorOptions) -> Result<Self, DeployError> {
        let transport = Transport::new(VENDOR, BASE_URL, token, options)?;
        Ok(Self { transport, zones: Mutex::default() })
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Reply, DeployError> {
        self.transport.send(&Call { method, path, query, body }).await
    }

    /// The id of a zone.
    async fn zone_id(&self, zone: &str) -> Result<String, DeployError> {
        let zone = normalize_host(zone).unwrap_or_else(|| zone.to_owned());
        let known = self.zones.lock().unwrap_or_else(PoisonError::into_inner).get(&zone).cloned();
        if let Some(id) = known {
            return Ok(id);
        }
        let reply = self.call(Method::GET, &["zones"], &[("name", &zone)], None).await?;
        let zones: Vec<Zone> = self.result(&reply, &zone, "look for the zone")?;
        let mut found: Vec<Zone> = zones.into_iter().filter(|found| found.name.eq_ignore_ascii_case(&zone)).collect();
        // The same name can wait in another account; only the active one is served.
        found.sort_by_key(|found| found.status != "active");
        let id = found.into_iter().next().ok_or_else(|| zone_not_found(&zone))?.id;
        self.zones.lock().unwrap_or_else(PoisonError::into_inner).insert(zone, id.clone());
        Ok(id)
    }

    /// Every record of a zone, with its name within the zone.
    async fn list(&self, zone: &str, id: &str) -> Result<Vec<Stored>, DeployError> {
        let size = PAGE.to_string();
        let mut seen = BTreeSet::new();
        let mut records = Vec::new();
        for page in 1..=MOST_PAGES {
            let query = [("page", page.to_string()), ("per_page", size.clone())];
            let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let reply = self.call(Method::GET, &["zones", id, "dns_records"], &query, None).await?;
            let found: Vec<Stored> = self.result(&reply, zone, "list the records")?;
            let pages = reply.body.pointer("/result_info/total_pages").and_then(Value::as_u64);
            let last = found.is_empty() || pages.is_some_and(|pages| page as u64 >= pages);
            // A record can show twice when another one is deleted while we turn the page.
            records.extend(found.into_iter().filter(|record| seen.insert(record.id.clone())));
            if last {
                break;
            }
        }
        for record in &mut records {
            record.name = canonical_name(&record.name, zone);
        }
        Ok(records)
    }

    /// The `result` of an answer.
    fn result<T: serde::de::DeserializeOwned>(&self, reply: &Reply, zone: &str, what: &str) -> Result<T, DeployError> {
        let success = reply.body.get("success").and_then(Value::as_bool) == Some(true);
        if !reply.status.is_success() || !success {
            return Err(self.refused(reply, zone, what));
        }
        let result = reply.body.get("result").unwrap_or(&Value::Null);
        serde_path_to_error::deserialize(result).map_err(|error| {
            let message =
                format!("The answer of the {VENDOR} API has another form than it should, trying to {what} of `{zone}`");
            DeployError::new(ErrorCode::DnsProvider, message).resource(zone).caused_by(&error)
        })
    }

    /// The error of a call that Cloudflare refused.
    fn refused(&self, reply: &Reply, zone: &str, what: &str) -> DeployError {
        let codes = error_codes(reply);
        let words = reply.body.pointer("/errors/0/message").and_then(Value::as_str).unwrap_or_default();
        let words = self.transport.quote(words);
        let credential = matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            || codes.iter().any(|code| CREDENTIAL.contains(code));
        let code = codes.first().map(|code| format!(", code {code}")).unwrap_or_default();
        let status = reply.status.as_u16();
        if credential {
            return DeployError::new(
                ErrorCode::DnsProvider,
                format!("{VENDOR} refused the token ({status}{code}), trying to {what} of `{zone}`{words}"),
            )
            .resource(zone)
            .reason("unauthorized")
            .hint(format!(
                "Check `credentials.{VENDOR}.token`: it must be an API token (not the global key) with the permissions \
                 Zone:Read and DNS:Edit for `{zone}`"
            ));
        }
        let message = format!("{VENDOR} refused to {what} of `{zone}` ({status}{code}){words}");
        DeployError::new(ErrorCode::DnsProvider, message).resource(zone).reason("refused")
    }

    /// Makes one record set be what is wanted; its writes follow one another.
    async fn upsert(
        &self,
        zone: &str,
        id: &str,
        stored: &[Stored],
        record: DnsRecord,
    ) -> Result<RecordChange, DeployError> {
        let current: Vec<&Stored> = stored.iter().filter(|stored| stored.is_in(&record)).collect();
        let writes = writes(&current, &record);
        for write in &writes {
            self.write(zone, id, &record, write).await?;
        }
        Ok(RecordChange { created: current.is_empty(), unchanged: writes.is_empty(), record })
    }

    async fn write(&self, zone: &str, id: &str, desired: &DnsRecord, write: &Write) -> Result<(), DeployError> {
        let host = host_in_zone(&desired.name, zone);
        let records = ["zones", id, "dns_records"];
        match write {
            Write::Change { id: record, content, ttl } => {
                let mut body = json!({});
                if let Some(content) = content {
                    body["content"] = json!(content);
                }
                if let Some(ttl) = ttl {
                    body["ttl"] = json!(ttl);
                }
                let path = [records[0], records[1], records[2], record];
                let reply = self.call(Method::PATCH, &path, &[], Some(&body)).await?;
                self.result::<Value>(&reply, zone, &format!("change a record at `{host}`"))?;
            }
            Write::Create { content } => {
                let body = json!({
                    "type": desired.record_type, "name": host, "content": content, "ttl": desired.ttl, "proxied": false,
                });
                // Repeating this is safe: a record that exists already is refused as identical.
                let reply = self.call(Method::POST, &records, &[], Some(&body)).await?;
                if !error_codes(&reply).iter().any(|code| IDENTICAL.contains(code)) {
                    self.result::<Value>(&reply, zone, &format!("create a record at `{host}`"))?;
                }
            }
            Write::Delete { id: record } => {
                let path = [records[0], records[1], records[2], record];
                let reply = self.call(Method::DELETE, &path, &[], None).await?;
                if reply.status != StatusCode::NOT_FOUND {
                    self.result::<Value>(&reply, zone, &format!("delete a record at `{host}`"))?;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl DnsProvider for CloudflareProvider {
    fn name(&self) -> &str {
        VENDOR
    }

    async fn get_records(&self, zone: &str) -> Result<Vec<DnsRecord>, DeployError> {
        let id = self.zone_id(zone).await?;
        Ok(merge(self.list(zone, &id).await?.into_iter().map(Stored::into_record)))
    }

    async fn upsert_records(&self, zone: &str, records: &[DnsRecord]) -> Result<Vec<RecordChange>, DeployError> {
        let desired = check_desired(zone, records)?;
        let id = self.zone_id(zone).await?;
        let stored = self.list(zone, &id).await?;
        check_aliases(zone, &merge(stored.iter().cloned().map(Stored::into_record)), &desired)?;
        let upserts = desired.into_iter().map(|record| self.upsert(zone, &id, &stored, record));
        futures_util::stream::iter(upserts).buffered(SIDE_BY_SIDE).try_collect().await
    }

    async fn delete_records(&self, zone: &str, records: &[DnsRecord]) -> Result<(), DeployError> {
        let unwanted = check_unwanted(zone, records)?;
        let id = self.zone_id(zone).await?;
        let listed = |stored: &Stored| {
            unwanted.iter().any(|(name, record_type)| stored.name == *name && stored.record_type == *record_type)
        };
        for stored in self.list(zone, &id).await?.into_iter().filter(listed) {
            let record = stored.clone().into_record();
            self.write(zone, &id, &record, &Write::Delete { id: stored.id }).await?;
        }
        Ok(())
    }

    async fn get_proxied_names(&self, zone: &str) -> Result<Vec<String>, DeployError> {
        let id = self.zone_id(zone).await?;
        let records = self.list(zone, &id).await?;
        let names: BTreeSet<String> =
            records.into_iter().filter(|record| record.proxied).map(|record| record.name).collect();
        Ok(names.into_iter().collect())
    }
}

impl Stored {
    fn is_in(&self, set: &DnsRecord) -> bool {
        is_of(set, &self.name, &self.record_type)
    }

    fn into_record(self) -> DnsRecord {
        let value = match self.priority.filter(|_| self.record_type == "MX") {
            Some(priority) => format!("{priority} {}", self.content),
            None => self.content,
        };
        DnsRecord { name: self.name, record_type: self.record_type, ttl: self.ttl, values: vec![value] }
    }
}

/// What to write so that the records of one name and type become the wanted set.
///
/// What is right stays; a wrong value is changed in place, so that the name never goes without an answer; only what is
/// left over is deleted, last.
fn writes(current: &[&Stored], desired: &DnsRecord) -> Vec<Write> {
    let mut missing = desired.values.clone();
    let mut left_over: Vec<&Stored> = Vec::new();
    let mut writes = Vec::new();
    for stored in current {
        let value = canonical_value(&stored.record_type, &stored.content);
        let Some(index) = missing.iter().position(|missing| *missing == value) else {
            left_over.push(stored);
            continue;
        };
        missing.remove(index);
        if !stored.proxied && stored.ttl != desired.ttl {
            writes.push(Write::Change { id: stored.id.clone(), content: None, ttl: Some(desired.ttl) });
        }
    }
    let mut left_over = left_over.into_iter();
    for content in missing {
        writes.push(match left_over.next() {
            None => Write::Create { content },
            Some(stored) => Write::Change {
                id: stored.id.clone(),
                content: Some(content),
                ttl: Some(desired.ttl).filter(|ttl| !stored.proxied && stored.ttl != *ttl),
            },
        });
    }
    writes.extend(left_over.map(|stored| Write::Delete { id: stored.id.clone() }));
    writes
}

/// The codes of the errors in an answer.
fn error_codes(reply: &Reply) -> Vec<u64> {
    let errors = reply.body.get("errors").and_then(Value::as_array).into_iter().flatten();
    errors.filter_map(|error| error.get("code").and_then(Value::as_u64)).collect()
}

fn zone_not_found(zone: &str) -> DeployError {
    DeployError::new(ErrorCode::DnsZoneNotFound, format!("{VENDOR} has no zone `{zone}` that the token may see"))
        .resource(zone)
        .hint(format!(
            "Add `{zone}` to the {VENDOR} account, or give `credentials.{VENDOR}.token` access to it; the keys of \
             `deploy.dns` must be the zones themselves"
        ))
}
