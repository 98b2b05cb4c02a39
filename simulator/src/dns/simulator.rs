//! The handle on a running DNS simulator.

use super::fault::{Fault, RecordedRequest};
use super::server::{Behaviour, DnsQuery, DnsServer};
use super::shared::Shared;
use super::sockets::Sockets;
use super::zone::ZoneRecord;
use hickory_server::Server;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a TCP connection may stay without a question.
const TCP_TIMEOUT: Duration = Duration::from_secs(30);

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
    /// A simulator without servers yet.
    pub(super) fn new(
        shared: Arc<Shared>,
        (http, http_task): (SocketAddr, JoinHandle<()>),
        resolver: SocketAddr,
        authoritative_port: u16,
    ) -> Self {
        Self {
            shared,
            http,
            http_task,
            resolver,
            authoritative_port,
            behaviours: Vec::new(),
            queries: Arc::default(),
            servers: Vec::new(),
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

    pub(super) fn add_server(
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
        server.register_listener(tcp, TCP_TIMEOUT, 16);
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
