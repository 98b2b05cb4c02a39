//! DNS over real HTTP and real DNS: the vendors' APIs and their servers are the simulator's.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod address;
mod faults;
mod foreign;
mod vendors;
mod verification;

use deploy_native::dns::{CloudflareProvider, DnsProvider, DnsRecord, HostingerProvider, LookupOptions, VendorOptions};
use deploy_native::secrets::Secret;
use deploy_native_simulator::dns::{DnsSimulator, DnsSimulatorBuilder, Vendor, ZoneRecord};
use std::time::Duration;

const ZONE: &str = "example.com";
const SERVER: &str = "203.0.113.7";
const OTHER: &str = "198.51.100.1";
const TOKEN: &str = "canary-token-0123456789abcdef";

/// Both vendors, to prove the same of each.
const VENDORS: [Vendor; 2] = [Vendor::Cloudflare, Vendor::Hostinger];

fn simulator() -> DnsSimulatorBuilder {
    DnsSimulator::builder().zone(ZONE).cloudflare_token(TOKEN).hostinger_token(TOKEN)
}

/// Short pauses, so that a test of retries does not sleep.
fn vendor_options(url: String) -> VendorOptions {
    VendorOptions::default().base_url(url).timeout(Duration::from_secs(20)).first_pause(Duration::from_millis(5))
}

fn provider_with(simulator: &DnsSimulator, vendor: Vendor, token: &str) -> Box<dyn DnsProvider> {
    let token = Secret::new(token);
    match vendor {
        Vendor::Cloudflare => {
            Box::new(CloudflareProvider::new(&token, vendor_options(simulator.cloudflare_url())).unwrap())
        }
        Vendor::Hostinger => {
            Box::new(HostingerProvider::new(&token, vendor_options(simulator.hostinger_url())).unwrap())
        }
    }
}

fn provider(simulator: &DnsSimulator, vendor: Vendor) -> Box<dyn DnsProvider> {
    provider_with(simulator, vendor, TOKEN)
}

fn lookup_options(simulator: &DnsSimulator) -> LookupOptions {
    LookupOptions::default()
        .name_servers(vec![simulator.resolver_addr()])
        .authoritative_port(simulator.authoritative_port())
}

fn a_record(name: &str, value: &str) -> DnsRecord {
    DnsRecord::new(name, "A", 300, vec![value.to_owned()])
}

/// The values of a record set as the vendor holds it.
fn values(simulator: &DnsSimulator, name: &str, record_type: &str) -> Vec<String> {
    let records = simulator.records(ZONE).into_iter().filter(|record| record.is(name, record_type));
    records.map(|record| record.content).collect()
}

/// Everything in the zone but one record set.
fn others(simulator: &DnsSimulator, name: &str, record_type: &str) -> Vec<ZoneRecord> {
    simulator.records(ZONE).into_iter().filter(|record| !record.is(name, record_type)).collect()
}

/// How many requests asked for a change.
fn writes(simulator: &DnsSimulator) -> usize {
    simulator.requests().iter().filter(|request| request.is_write()).count()
}
