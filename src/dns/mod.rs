//! DNS records: the vendors' APIs behind one trait, and authoritative verification.

mod provider;

pub use provider::{DnsProvider, DnsRecord, RecordChange};
