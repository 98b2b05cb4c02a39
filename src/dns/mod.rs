//! DNS records: the vendors' APIs behind one trait, and authoritative verification.

mod address;
mod cloudflare;
mod delegation;
mod hostinger;
mod lookup;
mod manual;
mod provider;
mod record_set;
mod route53;
mod transport;
mod verification;
mod verify;
mod zone;

pub use address::find_server_address;
pub use cloudflare::CloudflareProvider;
pub use hostinger::HostingerProvider;
pub use lookup::LookupOptions;
pub use manual::ManualProvider;
pub use provider::{DnsProvider, DnsRecord, RecordChange};
pub use route53::{Route53Options, Route53Provider};
pub use transport::VendorOptions;
pub use verification::{Answer, AnswerSource, Expectation, ServerAnswer, Verification, VerificationOutcome};
pub use verify::{WaitOptions, verify, wait_verified};
pub use zone::{find_zone, host_in_zone, name_in_zone, normalize_host};
