//! DNS records: the vendors' APIs behind one trait, and authoritative verification.

mod address;
mod lookup;
mod provider;
mod vendor;
mod verification;
mod zone;

pub use address::find_server_address;
pub use lookup::LookupOptions;
pub use provider::{DnsProvider, DnsRecord, RecordChange};
pub use vendor::{
    CloudflareProvider, HostingerProvider, ManualProvider, Route53Options, Route53Provider, VendorOptions,
};
pub use verification::{
    Answer, AnswerSource, Expectation, ServerAnswer, Verification, VerificationOutcome, WaitOptions, verify,
    wait_verified,
};
pub use zone::{find_zone, host_in_zone, name_in_zone, normalize_host};
