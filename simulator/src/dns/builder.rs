//! How a DNS simulator is configured and started.

use super::api;
use super::shared::Shared;
use super::simulator::DnsSimulator;
use super::sockets::{bind, bind_together};
use super::zone::ZoneRecord;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

impl DnsSimulator {
    /// Begins to describe a simulator.
    pub fn builder() -> DnsSimulatorBuilder {
        DnsSimulatorBuilder {
            zones: Vec::new(),
            records: Vec::new(),
            cloudflare_tokens: Vec::new(),
            hostinger_tokens: Vec::new(),
            propagation_delay: Duration::ZERO,
            largest_page: 5000,
        }
    }
}

/// What a simulator starts with.
#[derive(Debug)]
pub struct DnsSimulatorBuilder {
    zones: Vec<String>,
    records: Vec<(String, ZoneRecord)>,
    cloudflare_tokens: Vec<String>,
    hostinger_tokens: Vec<String>,
    propagation_delay: Duration,
    largest_page: usize,
}

impl DnsSimulatorBuilder {
    /// Adds an empty zone.
    #[must_use]
    pub fn zone(mut self, name: &str) -> Self {
        self.zones.push(name.to_owned());
        self
    }

    /// Adds a record to a zone.
    #[must_use]
    pub fn record(mut self, zone: &str, record: ZoneRecord) -> Self {
        self.records.push((zone.to_owned(), record));
        self
    }

    /// Adds a token that the Cloudflare-shaped API takes.
    #[must_use]
    pub fn cloudflare_token(mut self, token: &str) -> Self {
        self.cloudflare_tokens.push(token.to_owned());
        self
    }

    /// Adds a token that the Hostinger-shaped API takes.
    #[must_use]
    pub fn hostinger_token(mut self, token: &str) -> Self {
        self.hostinger_tokens.push(token.to_owned());
        self
    }

    /// Makes every server learn of a change this late; default: at once.
    #[must_use]
    pub fn propagation_delay(mut self, delay: Duration) -> Self {
        self.propagation_delay = delay;
        self
    }

    /// Limits how many records Cloudflare puts on a page; default 5000.
    #[must_use]
    pub fn largest_page(mut self, records: usize) -> Self {
        self.largest_page = records;
        self
    }

    /// Starts the APIs and the servers on loopback addresses.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start(self) -> io::Result<DnsSimulator> {
        let shared = Arc::new(self.shared());
        let (http, http_task) = api::serve(Arc::clone(&shared)).await?;
        let authoritative = bind_together().await?;
        let recursive = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).await?;
        let mut name_servers = Vec::new();
        let mut authoritative_port = 0;
        for (udp, _) in &authoritative {
            let address = udp.local_addr()?;
            name_servers.push(address.ip());
            authoritative_port = address.port();
        }
        let mut simulator = DnsSimulator::new(shared, (http, http_task), recursive.0.local_addr()?, authoritative_port);
        for (recursive, sockets) in authoritative.into_iter().map(|pair| (false, pair)).chain([(true, recursive)]) {
            simulator.add_server(recursive, sockets, &name_servers, self.propagation_delay)?;
        }
        Ok(simulator)
    }

    /// What the APIs and servers work on.
    fn shared(&self) -> Shared {
        let shared = Shared {
            cloudflare_tokens: self.cloudflare_tokens.iter().cloned().collect(),
            hostinger_tokens: self.hostinger_tokens.iter().cloned().collect(),
            largest_page: self.largest_page,
            ..Shared::default()
        };
        for zone in &self.zones {
            shared.zones.add(zone);
        }
        for (zone, record) in &self.records {
            shared.zones.change(zone, |records| records.push(record.clone()));
        }
        shared
    }
}
