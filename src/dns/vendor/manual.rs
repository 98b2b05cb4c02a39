//! DNS that the user keeps by hand: nothing is written, and the records to make are reported.

use super::record_set::check_desired;
use crate::DeployError;
use crate::dns::provider::{DnsProvider, DnsRecord, RecordChange};
use crate::dns::zone::host_in_zone;
use async_trait::async_trait;

/// A provider that knows no records and writes none.
#[derive(Debug, Clone, Copy, Default)]
pub struct ManualProvider;

impl ManualProvider {
    /// The records that the user has to make, one a line, as a zone file has them.
    pub fn instructions(zone: &str, records: &[DnsRecord]) -> String {
        let line = |record: &DnsRecord, value: &String| {
            format!("{}. {} IN {} {value}", host_in_zone(&record.name, zone), record.ttl, record.record_type)
        };
        let lines = records.iter().flat_map(|record| record.values.iter().map(move |value| line(record, value)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[async_trait]
impl DnsProvider for ManualProvider {
    fn name(&self) -> &'static str {
        "manual"
    }

    /// Nothing is known of a zone that is kept by hand.
    async fn get_records(&self, _zone: &str) -> Result<Vec<DnsRecord>, DeployError> {
        Ok(Vec::new())
    }

    /// Returns every record as one that was left alone; [`ManualProvider::instructions`] says what to make.
    async fn upsert_records(&self, zone: &str, records: &[DnsRecord]) -> Result<Vec<RecordChange>, DeployError> {
        let desired = check_desired(zone, records)?;
        Ok(desired.into_iter().map(|record| RecordChange { record, created: false, unchanged: true }).collect())
    }

    async fn delete_records(&self, _zone: &str, _records: &[DnsRecord]) -> Result<(), DeployError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_zone_kept_by_hand_is_reported_and_not_written() {
        let record = |name: &str| DnsRecord {
            name: name.to_owned(),
            record_type: "A".to_owned(),
            ttl: 300,
            values: vec!["203.0.113.7".to_owned()],
        };
        let records = [record("api.staging"), record("@")];
        let changes = ManualProvider.upsert_records("example.com", &records).await.unwrap();
        assert!(changes.iter().all(|change| change.unchanged && !change.created));
        assert_eq!(
            ManualProvider::instructions("example.com", &records),
            "api.staging.example.com. 300 IN A 203.0.113.7\nexample.com. 300 IN A 203.0.113.7"
        );
        assert_eq!(ManualProvider.get_records("example.com").await.unwrap(), []);
    }
}
