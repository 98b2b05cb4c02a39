//! A double of DNS: Cloudflare- and Hostinger-shaped APIs over zones that real DNS servers serve.
//!
//! Every zone has the name servers `ns1.{zone}` and `ns2.{zone}`, at 127.0.0.1 and 127.0.0.2 (where the machine has no
//! second loopback address, `ns1` alone). A further server plays the recursive resolver: it follows aliases, and it
//! remembers names that it did not find, as real ones do.

mod api;
mod builder;
mod cloudflare;
mod connection;
mod fault;
mod hostinger;
mod response;
mod server;
mod shared;
mod simulator;
mod sockets;
mod zone;

pub use builder::DnsSimulatorBuilder;
pub use fault::{Fault, FaultKind, RecordedRequest, Vendor};
pub use server::DnsQuery;
pub use simulator::DnsSimulator;
pub use zone::ZoneRecord;
