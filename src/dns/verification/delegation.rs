//! Which servers hold a host name: found without asking a recursive resolver for the name itself.
//!
//! A recursive resolver remembers for minutes that a name did not exist. So it is asked for zones and name servers only,
//! and the way down to the host goes through the zones' own servers.

use crate::dns::lookup::{LookupOptions, Recursive, name_server_names};
use crate::dns::zone::lies_within;
use futures_util::future::join_all;
use hickory_resolver::proto::rr::RecordType;
use std::net::{IpAddr, SocketAddr};

/// An authoritative server at one address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameServer {
    /// Its name.
    pub(super) name: String,
    /// Where it is asked; none when its name has no address.
    pub(super) address: Option<SocketAddr>,
}

/// A zone and its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delegation {
    pub(super) zone: String,
    pub(super) servers: Vec<NameServer>,
}

impl Delegation {
    /// Whether any server can be asked.
    pub(super) fn is_reachable(&self) -> bool {
        self.servers.iter().any(|server| server.address.is_some())
    }
}

/// Finds a zone above a host, and its servers; none when the resolvers know of no zone.
///
/// The zone need not be the closest one: its servers refer to those of the zones below.
pub(super) async fn find_delegation(
    host: &str,
    zone: Option<&str>,
    recursive: &Recursive,
    options: &LookupOptions,
) -> Option<Delegation> {
    for zone in candidates(host, zone) {
        let found = recursive.lookup(&zone, RecordType::NS).await.unwrap_or_default();
        let names = name_server_names(&found);
        if !names.is_empty() {
            let servers = locate(&names, &[], recursive, options).await;
            return Some(Delegation { zone, servers });
        }
    }
    None
}

/// The zones to try, in order: the known one, then those above it; without a known one, from the top down.
fn candidates(host: &str, zone: Option<&str>) -> Vec<String> {
    let above = |name: &str| -> Vec<String> {
        let mut rest = name;
        let mut names = Vec::new();
        while let Some((_, parent)) = rest.split_once('.') {
            names.push(parent.to_owned());
            rest = parent;
        }
        names
    };
    if let Some(zone) = zone.filter(|zone| lies_within(host, zone)) {
        let mut names = vec![zone.to_owned()];
        names.extend(above(zone));
        return names;
    }
    let mut names = above(host);
    names.reverse();
    names
}

/// Finds the addresses of name servers: the IPv4 ones, or the IPv6 ones of a server that has no other.
///
/// Many machines have no IPv6, and would take every such address for a server that does not answer.
pub(super) async fn locate(
    names: &[String],
    glue: &[(String, IpAddr)],
    recursive: &Recursive,
    options: &LookupOptions,
) -> Vec<NameServer> {
    let located = join_all(names.iter().map(async |name| {
        let mut addresses = recursive.addresses(name, RecordType::A).await.unwrap_or_default();
        if addresses.is_empty() {
            addresses.extend(glue.iter().filter(|(owner, _)| owner == name).map(|(_, address)| *address));
            addresses.sort_by_key(|address| !address.is_ipv4());
        }
        if addresses.is_empty() {
            addresses = recursive.addresses(name, RecordType::AAAA).await.unwrap_or_default();
        }
        let port = options.authoritative_port;
        let at = |address: IpAddr| NameServer { name: name.clone(), address: Some(SocketAddr::new(address, port)) };
        let servers: Vec<NameServer> = addresses.into_iter().map(at).collect();
        if servers.is_empty() { vec![NameServer { name: name.clone(), address: None }] } else { servers }
    }))
    .await;
    let mut servers: Vec<NameServer> = located.into_iter().flatten().collect();
    servers.sort();
    servers.dedup_by_key(|server| (server.address, server.address.is_none().then(|| server.name.clone())));
    servers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_itself_is_never_a_candidate_unless_it_is_the_zone() {
        assert_eq!(candidates("a.b.example.com", Some("example.com")), ["example.com", "com"]);
        assert_eq!(candidates("example.com", Some("example.com")), ["example.com", "com"]);
        assert_eq!(candidates("a.b.example.com", None), ["com", "example.com", "b.example.com"]);
        assert_eq!(candidates("a.example.com", Some("example.org")), ["com", "example.com"]);
        assert_eq!(candidates("host", None), Vec::<String>::new());
    }
}
