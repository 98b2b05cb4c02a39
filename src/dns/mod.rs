//! DNS records: the vendors' APIs behind one trait, and authoritative verification.

mod cloudflare;
mod hostinger;
mod manual;
mod provider;
mod record_set;
mod transport;
mod zone;

pub use cloudflare::CloudflareProvider;
pub use hostinger::HostingerProvider;
pub use manual::ManualProvider;
pub use provider::{DnsProvider, DnsRecord, RecordChange};
pub use transport::VendorOptions;
pub use zone::{find_zone, host_in_zone, name_in_zone, normalize_host};
