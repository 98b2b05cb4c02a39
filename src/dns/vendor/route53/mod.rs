//! Amazon Route 53: record sets in hosted zones, changed in batches that every server takes over after a while.

mod answer;
mod zones;

use super::record_set::{canonical_name, check_aliases, check_desired, check_unwanted, is_of, same_values};
use crate::aws::{AwsCall, AwsClient, AwsError, AwsOptions, Service};
use crate::dns::provider::{DnsProvider, DnsRecord, RecordChange};
use crate::dns::zone::{host_in_zone, normalize_host};
use crate::{DeployError, ErrorCode};
use answer::{ChangeAnswer, HostedZone, RecordPage, RecordSet, ZoneAnswer, ZonePage};
use async_trait::async_trait;
use derive_setters::Setters;
use quick_xml::escape::escape;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use zones::Zones;

const VENDOR: &str = "route53";

/// The version of the API, with which every path begins.
const ROOT: &str = "/2013-04-01";

/// How many record sets one request changes; all of them or none.
const BATCH: usize = 100;

/// How much later a change is asked for again that has not spread yet.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// How DNS at Route 53 is reached.
#[derive(Debug, Clone, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct Route53Options {
    /// The account.
    pub aws: AwsOptions,
    /// The hosted zone to use, `Z…`; default: the longest public one that holds the host name.
    #[setters(into)]
    pub hosted_zone_id: Option<String>,
    /// How long a change may take to reach every server before it is no longer waited for; default 2 min.
    pub spread: Duration,
    /// How long between two looks whether it has; default 2 s.
    pub between_looks: Duration,
}

impl Default for Route53Options {
    fn default() -> Self {
        Self {
            aws: AwsOptions::default(),
            hosted_zone_id: None,
            spread: Duration::from_mins(2),
            between_looks: BETWEEN_LOOKS,
        }
    }
}

/// DNS at Amazon Route 53.
///
/// Alias records and record sets with a routing policy are shown as `ALIAS`, and never written or deleted.
pub struct Route53Provider {
    client: AwsClient,
    options: Route53Options,
    /// The account's hosted zones, which do not change during a run.
    listed: OnceCell<Vec<HostedZone>>,
}

/// What becomes of a record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Upsert,
    Delete,
}

impl Route53Provider {
    /// Prepares calls.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when the address is none.
    pub fn new(options: Route53Options) -> Result<Self, DeployError> {
        let client = AwsClient::new(Service::Route53, &options.aws)?;
        Ok(Self { client, options, listed: OnceCell::new() })
    }

    async fn ask<T: DeserializeOwned>(&self, call: &AwsCall) -> Result<T, AwsError> {
        let reply = self.client.send(call).await?;
        quick_xml::de::from_str(&reply.text()).map_err(|_| AwsError::malformed(Service::Route53, call.operation))
    }

    /// The hosted zones that hold what lies in a root domain.
    async fn zones(&self, root: &str) -> Result<Zones, DeployError> {
        let root = normalize_host(root).unwrap_or_else(|| root.to_owned());
        if let Some(id) = &self.options.hosted_zone_id {
            let id = id.trim_start_matches("/hostedzone/");
            let call = AwsCall::new("GetHostedZone", Method::GET, format!("{ROOT}/hostedzone/{id}"));
            let zone: ZoneAnswer = self.ask(&call).await.map_err(|error| no_zone(error, &root, id))?;
            return Zones::named(&root, zone.into());
        }
        let listed = self.listed.get_or_try_init(|| self.list_zones()).await;
        Zones::of_account(&root, listed.map_err(|error| told(error, &root))?)
    }

    async fn list_zones(&self) -> Result<Vec<HostedZone>, AwsError> {
        let mut zones = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut call = AwsCall::new("ListHostedZones", Method::GET, format!("{ROOT}/hostedzone"));
            if let Some(marker) = marker {
                call = call.query("marker", marker);
            }
            let (found, next) = self.ask::<ZonePage>(&call).await?.into_parts();
            zones.extend(found);
            if next.is_none() {
                return Ok(zones);
            }
            marker = next;
        }
    }

    /// Every record set of a hosted zone.
    async fn list(&self, id: &str) -> Result<Vec<RecordSet>, AwsError> {
        let mut sets = Vec::new();
        let mut page: Option<Vec<(&'static str, String)>> = None;
        loop {
            let path = format!("{ROOT}/hostedzone/{id}/rrset");
            let mut call = AwsCall::new("ListResourceRecordSets", Method::GET, path);
            for (name, value) in page.into_iter().flatten() {
                call = call.query(name, value);
            }
            let (found, next) = self.ask::<RecordPage>(&call).await?.into_parts();
            sets.extend(found);
            if next.is_none() {
                return Ok(sets);
            }
            page = next;
        }
    }

    /// The record sets of a root domain, each from the hosted zone that holds it.
    async fn read(&self, zones: &Zones) -> Result<Vec<DnsRecord>, DeployError> {
        let root = zones.root();
        let mut records = Vec::new();
        for (_, id) in zones.iter() {
            let listed = self.list(id).await.map_err(|error| told(error, root))?;
            let within = listed.into_iter().filter(|set| set.is_in(root)).map(|set| set.into_record(root));
            // What a zone has for names that another one serves is never asked for.
            records.extend(within.filter(|record| zones.of(&host_in_zone(&record.name, root)) == Some(id)));
        }
        Ok(records)
    }

    /// Changes record sets and waits until every server has them.
    async fn change(&self, zones: &Zones, changes: &[(Action, DnsRecord)]) -> Result<(), DeployError> {
        let root = zones.root();
        let mut by_zone: BTreeMap<&str, Vec<&(Action, DnsRecord)>> = BTreeMap::new();
        for change in changes {
            let host = host_in_zone(&change.1.name, root);
            if let Some(id) = zones.of(&host) {
                by_zone.entry(id).or_default().push(change);
            }
        }
        for (id, changes) in by_zone {
            for batch in changes.chunks(BATCH) {
                let path = format!("{ROOT}/hostedzone/{id}/rrset");
                let call = AwsCall::new("ChangeResourceRecordSets", Method::POST, path)
                    .header(CONTENT_TYPE, "application/xml")
                    .body(render(root, batch));
                let answer: ChangeAnswer = self.ask(&call).await.map_err(|error| told(error, root))?;
                self.wait(&answer).await.map_err(|error| told(error, root))?;
            }
        }
        Ok(())
    }

    /// Waits until a change has reached every server; after a while it is left to the verification of the host names.
    async fn wait(&self, answer: &ChangeAnswer) -> Result<(), AwsError> {
        let Some(id) = answer.pending() else { return Ok(()) };
        let end = Instant::now() + self.options.spread;
        while Instant::now() < end {
            sleep(self.options.between_looks).await;
            let call = AwsCall::new("GetChange", Method::GET, format!("{ROOT}/change/{id}"));
            if self.ask::<ChangeAnswer>(&call).await?.pending().is_none() {
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl DnsProvider for Route53Provider {
    fn name(&self) -> &str {
        VENDOR
    }

    async fn get_records(&self, zone: &str) -> Result<Vec<DnsRecord>, DeployError> {
        self.read(&self.zones(zone).await?).await
    }

    async fn upsert_records(&self, zone: &str, records: &[DnsRecord]) -> Result<Vec<RecordChange>, DeployError> {
        let desired = check_desired(zone, records)?;
        let zones = self.zones(zone).await?;
        let existing = self.read(&zones).await?;
        check_aliases(zone, &existing, &desired)?;
        let changes: Vec<RecordChange> = desired.into_iter().map(|record| compare(&existing, record)).collect();
        let due = changes.iter().filter(|change| !change.unchanged);
        let due: Vec<_> = due.map(|change| (Action::Upsert, change.record.clone())).collect();
        self.change(&zones, &due).await?;
        Ok(changes)
    }

    async fn delete_records(&self, zone: &str, records: &[DnsRecord]) -> Result<(), DeployError> {
        let unwanted = check_unwanted(zone, records)?;
        let zones = self.zones(zone).await?;
        // A deletion must name what is stored, which somebody may change meanwhile, and is refused when it was made
        // already: then what is stored now decides.
        for last in [false, true] {
            let listed = |set: &DnsRecord| unwanted.iter().any(|(name, record_type)| is_of(set, name, record_type));
            let existing = self.read(&zones).await?.into_iter().filter(listed);
            let due: Vec<_> = existing.map(|record| (Action::Delete, record)).collect();
            match self.change(&zones, &due).await {
                Err(error) if !last && error.reason_name() == Some("refused") => {}
                done => return done,
            }
        }
        Ok(())
    }
}

/// What has to become of a wanted set.
fn compare(existing: &[DnsRecord], record: DnsRecord) -> RecordChange {
    let current = existing.iter().find(|set| is_of(set, &record.name, &record.record_type));
    let right =
        |set: &DnsRecord| set.ttl == record.ttl && same_values(&record.record_type, &set.values, &record.values);
    RecordChange { created: current.is_none(), unchanged: current.is_some_and(right), record }
}

/// A batch of changes as the API takes it.
fn render(root: &str, batch: &[&(Action, DnsRecord)]) -> String {
    let mut xml = String::from(
        "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>",
    );
    for (action, record) in batch {
        let action = if *action == Action::Upsert { "UPSERT" } else { "DELETE" };
        let host = host_in_zone(&canonical_name(&record.name, root), root);
        // Writing to a string cannot fail.
        let _ = write!(
            xml,
            "<Change><Action>{action}</Action><ResourceRecordSet><Name>{}.</Name><Type>{}</Type><TTL>{}</TTL>\
             <ResourceRecords>",
            escape(&host),
            escape(&record.record_type),
            record.ttl
        );
        for value in &record.values {
            let _ = write!(xml, "<ResourceRecord><Value>{}</Value></ResourceRecord>", escape(value));
        }
        xml.push_str("</ResourceRecords></ResourceRecordSet></Change>");
    }
    xml.push_str("</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
    xml
}

fn told(error: AwsError, root: &str) -> DeployError {
    error.into_deploy_error(ErrorCode::DnsProvider).resource(root)
}

fn no_zone(error: AwsError, root: &str, id: &str) -> DeployError {
    if !error.is_not_found() && !error.is("InvalidInput") {
        return told(error, root);
    }
    DeployError::new(ErrorCode::DnsZoneNotFound, format!("route53 has no hosted zone {id}"))
        .resource(root)
        .hint(format!("Correct deploy.dns['{root}'].hostedZoneId, or leave it out"))
}
