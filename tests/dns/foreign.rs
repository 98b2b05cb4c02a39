//! Zones full of other people's records, and what is left of them.

use crate::{SERVER, VENDORS, ZONE, a_record, others, provider, simulator, values};
use deploy_native_simulator::dns::{DnsSimulator, ZoneRecord};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Zones that have names in common with ours, close to ours, and far from ours.
fn zone() -> impl Strategy<Value = Vec<ZoneRecord>> {
    let name = prop::sample::select(vec!["@", "api", "api.staging", "xapi", "a", "www", "*", "_dmarc"]);
    // Often enough, a name of ours has several addresses already.
    let value = prop_oneof![
        4 => (0_u8..4).prop_map(|n| ("A", format!("198.51.100.{n}"))),
        1 => (0_u8..4).prop_map(|n| ("AAAA", format!("2001:db8::{n}"))),
        1 => (0_u8..4).prop_map(|n| ("TXT", format!("\"v=spf1 include:{n}\""))),
        1 => (0_u8..4).prop_map(|n| ("MX", format!("10 mail{n}.example.net."))),
        1 => (0_u8..4).prop_map(|n| ("CAA", format!("0 issue \"ca{n}.example.net\""))),
    ];
    let ttl = prop::sample::select(vec![60_u32, 300, 3600]);
    let record = (name, value, ttl).prop_map(|(name, (kind, value), ttl)| ZoneRecord::new(name, kind, ttl, &value));
    prop::collection::vec(record, 0..12).prop_map(|mut records: Vec<ZoneRecord>| {
        let mut seen = std::collections::BTreeSet::new();
        // A record cannot stand in a zone twice, and a set has one time to live.
        records.retain(|record| seen.insert((record.name.clone(), record.record_type.clone(), record.content.clone())));
        for index in 0..records.len() {
            let ttl = records.iter().find(|other| other.is(&records[index].name, &records[index].record_type));
            let ttl = ttl.map_or(300, |other| other.ttl);
            records[index].ttl = ttl;
        }
        records
    })
}

async fn check(simulator: &DnsSimulator, records: Vec<ZoneRecord>, name: &str) {
    for vendor in VENDORS {
        for record in simulator.records(ZONE) {
            simulator.remove_record(ZONE, &record.name, &record.record_type);
        }
        for record in &records {
            simulator.put_record(ZONE, record.clone());
        }
        let foreign = others(simulator, name, "A");
        let provider = provider(simulator, vendor);
        let desired = [a_record(name, SERVER)];
        provider.upsert_records(ZONE, &desired).await.unwrap();
        assert_eq!(values(simulator, name, "A"), [SERVER], "{vendor:?}");
        assert_eq!(others(simulator, name, "A"), foreign, "{vendor:?}: a foreign record was changed");
        assert!(provider.upsert_records(ZONE, &desired).await.unwrap()[0].unchanged, "{vendor:?}");
        provider.delete_records(ZONE, &desired).await.unwrap();
        assert_eq!(simulator.records(ZONE), foreign, "{vendor:?}: a foreign record was deleted");
    }
}

#[test]
fn i8_whatever_else_a_zone_holds_stays_as_it_was() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let simulator = runtime.block_on(simulator().start()).unwrap();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let case = (zone(), prop::sample::select(vec!["@", "api", "api.staging", "new"]));
    let result = runner.run(&case, |(records, name)| {
        runtime.block_on(check(&simulator, records, name));
        Ok(())
    });
    result.unwrap();
}
