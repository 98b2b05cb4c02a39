//! A double of DNS: Cloudflare- and Hostinger-shaped APIs over zones that real DNS servers serve.
//!
//! Every zone has the name servers `ns1.{zone}` and `ns2.{zone}`, at 127.0.0.1 and 127.0.0.2 (where the machine has no
//! second loopback address, `ns1` alone). A further server plays the recursive resolver: it follows aliases, and it
//! remembers names that it did not find, as real ones do.

mod api;
mod cloudflare;
mod connection;
mod fault;
mod hostinger;
mod server;
mod zone;

pub use fault::{Fault, FaultKind, RecordedRequest, Vendor};
pub use server::DnsQuery;
pub use zone::ZoneRecord;

use api::Shared;
use hickory_server::Server;
use server::{Behaviour, DnsServer};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

/// How often a port is looked for that is free for every server.
const PORT_ATTEMPTS: usize = 50;

/// How long a TCP connection may stay without a question.
const TCP_PATIENCE: Duration = Duration::from_secs(30);

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
        let mut simulator = DnsSimulator {
            shared,
            http,
            http_task,
            resolver: recursive.0.local_addr()?,
            authoritative_port,
            behaviours: Vec::new(),
            queries: Arc::default(),
            servers: Vec::new(),
        };
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

/// A UDP and a TCP socket of the same address.
type Sockets = (UdpSocket, TcpListener);

async fn bind(address: IpAddr, port: u16) -> io::Result<Sockets> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_ATTEMPTS {
        let udp = UdpSocket::bind((address, port)).await?;
        match TcpListener::bind((address, udp.local_addr()?.port())).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if port != 0 => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The sockets of both name servers, on one port; of the first alone where there is no second loopback address.
async fn bind_together() -> io::Result<Vec<Sockets>> {
    for _ in 0..PORT_ATTEMPTS {
        let first = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).await?;
        let port = first.0.local_addr()?.port();
        match bind(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), port).await {
            Ok(second) => return Ok(vec![first, second]),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(_) => return Ok(vec![first]),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// A running simulator; it stops when dropped.
pub struct DnsSimulator {
    shared: Arc<Shared>,
    http: SocketAddr,
    http_task: JoinHandle<()>,
    resolver: SocketAddr,
    authoritative_port: u16,
    behaviours: Vec<Arc<Mutex<Behaviour>>>,
    queries: Arc<Mutex<Vec<DnsQuery>>>,
    servers: Vec<Server<DnsServer>>,
}

impl Drop for DnsSimulator {
    fn drop(&mut self) {
        self.http_task.abort();
    }
}

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

    /// The recursive resolver.
    pub fn resolver_addr(&self) -> SocketAddr {
        self.resolver
    }

    /// The port on which the authoritative servers listen, at each of their addresses.
    pub fn authoritative_port(&self) -> u16 {
        self.authoritative_port
    }

    /// How many authoritative servers there are: two, or one where the machine has one loopback address.
    pub fn name_server_count(&self) -> usize {
        self.servers.len() - 1
    }

    /// The base URL of the Cloudflare-shaped API.
    pub fn cloudflare_url(&self) -> String {
        format!("http://{}/client/v4", self.http)
    }

    /// The base URL of the Hostinger-shaped API.
    pub fn hostinger_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The records of a zone as its vendor shows them; empty when there is no such zone.
    pub fn records(&self, zone: &str) -> Vec<ZoneRecord> {
        self.shared.zones.records(zone).unwrap_or_default()
    }

    /// Adds a record by a foreign hand.
    pub fn put_record(&self, zone: &str, record: ZoneRecord) {
        self.shared.zones.change(zone, |records| records.push(record));
    }

    /// Removes the records of a name and type by a foreign hand.
    pub fn remove_record(&self, zone: &str, name: &str, record_type: &str) {
        self.shared.zones.change(zone, |records| records.retain(|record| !record.is(name, record_type)));
    }

    /// Every request that the vendors' APIs got, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.requests()
    }

    /// Every question that the DNS servers got, in order.
    pub fn queries(&self) -> Vec<DnsQuery> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Makes the `n`-th authoritative server, counted from 1, learn of every change this late.
    pub fn set_lag(&self, n: usize, lag: Duration) {
        self.behave(n, |behaviour| behaviour.lag = lag);
    }

    /// Makes the `n`-th authoritative server, counted from 1, stay silent, or speak again.
    pub fn set_silent(&self, n: usize, silent: bool) {
        self.behave(n, |behaviour| behaviour.silent = silent);
    }

    /// Makes the `n`-th authoritative server, counted from 1, answer in full over TCP only.
    pub fn set_truncating(&self, n: usize, truncate: bool) {
        self.behave(n, |behaviour| behaviour.truncate = truncate);
    }

    /// Makes the recursive resolver refuse questions for name servers, as in a private network.
    pub fn set_resolver_refuses_name_servers(&self, refuse: bool) {
        if let Some(behaviour) = self.behaviours.last() {
            behaviour.lock().unwrap_or_else(PoisonError::into_inner).refuse_ns = refuse;
        }
    }

    /// Makes the recursive resolver stay silent, or speak again.
    pub fn set_resolver_silent(&self, silent: bool) {
        if let Some(behaviour) = self.behaviours.last() {
            behaviour.lock().unwrap_or_else(PoisonError::into_inner).silent = silent;
        }
    }

    fn add_server(
        &mut self,
        recursive: bool,
        (udp, tcp): Sockets,
        name_servers: &[IpAddr],
        lag: Duration,
    ) -> io::Result<()> {
        let behaviour = Arc::new(Mutex::new(Behaviour { lag, ..Behaviour::default() }));
        let mut server = Server::new(DnsServer {
            shared: Arc::clone(&self.shared),
            recursive,
            address: udp.local_addr()?.ip(),
            name_servers: name_servers.to_vec(),
            behaviour: Arc::clone(&behaviour),
            queries: Arc::clone(&self.queries),
            negative: Mutex::default(),
        });
        server.register_socket(udp);
        server.register_listener(tcp, TCP_PATIENCE, 16);
        self.behaviours.push(behaviour);
        self.servers.push(server);
        Ok(())
    }

    fn behave(&self, n: usize, change: impl FnOnce(&mut Behaviour)) {
        let known = self.behaviours.len() - 1;
        if let Some(behaviour) = n.checked_sub(1).filter(|index| *index < known).map(|index| &self.behaviours[index]) {
            change(&mut behaviour.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
