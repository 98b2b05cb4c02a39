//! The vendors' APIs, one file each, and what they have in common.

mod cloudflare;
mod hostinger;
mod manual;
mod record_set;
mod route53;
mod transport;

pub use cloudflare::CloudflareProvider;
pub use hostinger::HostingerProvider;
pub use manual::ManualProvider;
pub use route53::{Route53Options, Route53Provider};
pub use transport::VendorOptions;
