//! Questions to DNS: to the recursive resolvers, and to one authoritative server at a time.

use super::zone::normalize_host;
use crate::{DeployError, ErrorCode};
use derive_setters::Setters;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle as _, FirstAnswer as _};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, TokioResolver};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How DNS is asked.
#[derive(Debug, Clone, Setters)]
#[non_exhaustive]
pub struct LookupOptions {
    /// The recursive resolvers; default: the system's.
    pub name_servers: Vec<SocketAddr>,
    /// The port on which authoritative servers are asked; default 53.
    pub authoritative_port: u16,
    /// How long one question may take, over UDP and TCP together; default 5 s.
    pub timeout: Duration,
}

impl Default for LookupOptions {
    fn default() -> Self {
        Self { name_servers: Vec::new(), authoritative_port: 53, timeout: Duration::from_secs(5) }
    }
}

/// What a server said to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// Addresses, at the end of a chain of aliases that may be empty.
    Addresses { addresses: Vec<IpAddr>, aliases: Vec<String> },
    /// An alias whose target this server did not resolve.
    Alias { aliases: Vec<String>, target: String },
    /// No such record; `exists` says whether the name has others.
    Nothing { exists: bool },
    /// The name lies in a zone below, which these servers hold.
    Referral { name_servers: Vec<String>, glue: Vec<(String, IpAddr)> },
    /// An answer from a server that does not hold the zone.
    NotAuthoritative,
    /// An error code in place of an answer.
    Refused(String),
    /// No answer.
    Silent(String),
}

/// The recursive resolvers.
pub(super) struct Recursive {
    resolver: TokioResolver,
    timeout: Duration,
}

impl Recursive {
    /// Prepares questions; `hosts_file` says whether the system's hosts file counts.
    ///
    /// # Errors
    ///
    /// `DNS_RESOLUTION` when the system has no readable resolver configuration.
    pub(super) fn new(options: &LookupOptions, hosts_file: bool) -> Result<Self, DeployError> {
        let build = || {
            let mut builder = if options.name_servers.is_empty() {
                TokioResolver::builder_tokio()?
            } else {
                let servers = options.name_servers.iter().map(|server| name_server(server.ip(), server.port()));
                let config = ResolverConfig::from_name_servers(servers.collect());
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            };
            let settings = builder.options_mut();
            settings.cache_size = 0;
            settings.timeout = options.timeout;
            settings.attempts = 1;
            settings.use_hosts_file = if hosts_file { ResolveHosts::Always } else { ResolveHosts::Never };
            builder.build()
        };
        let resolver = build().map_err(|error: NetError| {
            DeployError::new(ErrorCode::DnsResolution, "The system's DNS resolvers cannot be read")
                .caused_by(&error)
                .hint("Check /etc/resolv.conf")
        })?;
        Ok(Self { resolver, timeout: options.timeout })
    }

    /// The records of a name; an empty list when there are none.
    ///
    /// # Errors
    ///
    /// When no resolver answers.
    pub(super) async fn lookup(&self, name: &str, record_type: RecordType) -> Result<Vec<RData>, NetError> {
        let name = absolute(name)?;
        // Once over UDP, once more over TCP, and each with one retry.
        let limit = self.timeout * 4;
        let lookup = self.resolver.lookup(name, record_type);
        match tokio::time::timeout(limit, lookup).await.unwrap_or(Err(NetError::Timeout)) {
            Ok(lookup) => Ok(lookup.answers().iter().map(|record| record.data.clone()).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The addresses of a name, of one family.
    pub(super) async fn addresses(&self, name: &str, record_type: RecordType) -> Result<Vec<IpAddr>, NetError> {
        Ok(self.lookup(name, record_type).await?.iter().filter_map(address).collect())
    }
}

/// One authoritative server, at one address.
#[derive(Clone)]
pub(super) struct Authoritative {
    pool: NameServerPool<TokioRuntimeProvider>,
    timeout: Duration,
}

impl Authoritative {
    /// Prepares questions to the server at an address; none is remembered, and none is passed on.
    pub(super) fn new(ip: IpAddr, options: &LookupOptions) -> Result<Self, NetError> {
        let mut settings = ResolverOpts::default();
        settings.timeout = options.timeout;
        settings.recursion_desired = false;
        settings.cache_size = 0;
        settings.num_concurrent_reqs = 1;
        let context = Arc::new(PoolContext::new(settings, TlsConfig::new()?));
        let servers = [name_server(ip, options.authoritative_port)];
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Ok(Self { pool, timeout: options.timeout })
    }

    /// Asks for the addresses of a name, of one family.
    pub(super) async fn ask(&self, host: &str, record_type: RecordType) -> Reply {
        let Ok(name) = absolute(host) else { return Reply::Refused("the name is not a DNS name".to_owned()) };
        let mut options = DnsRequestOptions::default();
        options.recursion_desired = false;
        let question = self.pool.lookup(Query::query(name, record_type), options);
        match tokio::time::timeout(self.timeout, question.first_answer()).await {
            Ok(Ok(response)) if !response.metadata.authoritative => Reply::NotAuthoritative,
            Ok(Ok(response)) => follow(host, &response.answers),
            Ok(Err(NetError::Dns(error))) => refusal(host, error),
            Err(_) | Ok(Err(NetError::Timeout)) => Reply::Silent("no answer in time".to_owned()),
            Ok(Err(error)) => Reply::Silent(error.to_string()),
        }
    }
}

/// Follows the aliases that an answer holds, as far as they go.
fn follow(host: &str, answers: &[Record]) -> Reply {
    let mut name = host.to_owned();
    let mut aliases = Vec::new();
    // An answer with more links than records would be a circle.
    for _ in 0..=answers.len() {
        let here = || answers.iter().filter(|record| text(&record.name) == name);
        let mut addresses: Vec<IpAddr> = here().filter_map(|record| address(&record.data)).collect();
        if !addresses.is_empty() {
            addresses.sort_unstable();
            addresses.dedup();
            return Reply::Addresses { addresses, aliases };
        }
        let alias = here().find_map(|record| match &record.data {
            RData::CNAME(target) => Some(text(&target.0)),
            _ => None,
        });
        match alias {
            Some(target) => {
                aliases.push(target.clone());
                name = target;
            }
            None if aliases.is_empty() => return Reply::Nothing { exists: true },
            None => return Reply::Alias { aliases, target: name },
        }
    }
    Reply::Refused("its aliases run in a circle".to_owned())
}

/// What an answer without records means.
fn refusal(host: &str, error: DnsError) -> Reply {
    match error {
        DnsError::NoRecordsFound(nothing) => {
            let exists = nothing.response_code != ResponseCode::NXDomain;
            let referral = nothing.ns.filter(|_| nothing.soa.is_none() && exists);
            let Some(referral) = referral else { return Reply::Nothing { exists } };
            let below = referral.iter().filter(|entry| encloses(&text(&entry.ns.name), host));
            let mut name_servers = Vec::new();
            let mut glue = Vec::new();
            for entry in below {
                if let RData::NS(server) = &entry.ns.data {
                    name_servers.push(text(&server.0));
                }
                let known = entry.glue.iter().filter_map(|record| Some((text(&record.name), address(&record.data)?)));
                glue.extend(known);
            }
            Reply::Referral { name_servers, glue }
        }
        DnsError::ResponseCode(code) => Reply::Refused(code.to_string()),
        other => Reply::Refused(other.to_string()),
    }
}

fn encloses(zone: &str, host: &str) -> bool {
    super::zone::lies_within(host, zone)
}

/// The name servers that an answer lists.
pub(super) fn name_server_names(data: &[RData]) -> Vec<String> {
    let mut names: Vec<String> = data
        .iter()
        .filter_map(|data| if let RData::NS(server) = data { Some(text(&server.0)) } else { None })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn name_server(ip: IpAddr, port: u16) -> NameServerConfig {
    let connection = |protocol: ProtocolConfig| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = port;
        connection
    };
    NameServerConfig::new(ip, true, vec![connection(ProtocolConfig::Udp), connection(ProtocolConfig::Tcp)])
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

/// A name that no search domain is added to.
fn absolute(name: &str) -> Result<Name, NetError> {
    let ascii = normalize_host(name).unwrap_or_else(|| name.to_owned());
    let mut name = Name::from_ascii(ascii)?;
    name.set_fqdn(true);
    Ok(name)
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
