//! The server's address, from the host of its endpoint.

use super::lookup::{LookupOptions, Recursive};
use super::zone::normalize_host;
use crate::{DeployError, ErrorCode};
use hickory_resolver::proto::rr::RecordType;
use std::net::{IpAddr, Ipv4Addr};

/// Finds the address that host names must point to.
///
/// An IP address stays what it is, with or without brackets; `localhost` is 127.0.0.1; another name is looked up, as an
/// A record, in the system's hosts file and then at the resolvers.
///
/// # Errors
///
/// `DNS_RESOLUTION` when the name has no IPv4 address, several of them (then none can be chosen), or nothing answers.
pub async fn find_server_address(endpoint_host: &str, options: &LookupOptions) -> Result<IpAddr, DeployError> {
    let bare = endpoint_host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(endpoint_host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address);
    }
    let host = normalize_host(endpoint_host).ok_or_else(|| refuse(endpoint_host, "is not a host name"))?;
    if host == "localhost" || host.ends_with(".localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut addresses = Recursive::new(options, true)?.addresses(&host, RecordType::A).await.map_err(|error| {
        refuse(&host, "cannot be resolved: the DNS resolvers do not answer").retryable(true).caused_by(&error)
    })?;
    addresses.sort_unstable();
    addresses.dedup();
    match addresses.as_slice() {
        [address] => Ok(*address),
        [] => Err(refuse(&host, "has no IPv4 address")),
        several => {
            let list: Vec<String> = several.iter().map(IpAddr::to_string).collect();
            Err(refuse(&host, &format!("has several addresses ({}), perhaps those of a CDN", list.join(", "))))
        }
    }
}

fn refuse(host: &str, why: &str) -> DeployError {
    DeployError::new(ErrorCode::DnsResolution, format!("The server's host `{host}` {why}"))
        .resource(host)
        .hint("Set `serverIp` to the server's public address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn an_address_is_taken_as_it_is_and_nothing_is_asked() {
        // Nothing listens there: a question would fail.
        let options = LookupOptions {
            name_servers: vec![([127, 0, 0, 1], 1).into()],
            timeout: Duration::from_millis(200),
            ..LookupOptions::default()
        };
        for (host, address) in [
            ("203.0.113.7", "203.0.113.7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("localhost", "127.0.0.1"),
            ("dokploy.localhost", "127.0.0.1"),
        ] {
            assert_eq!(
                find_server_address(host, &options).await.unwrap(),
                address.parse::<IpAddr>().unwrap(),
                "{host}"
            );
        }
        let error = find_server_address("server.example.com", &options).await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::DnsResolution, true));
        let error = find_server_address("not a host", &options).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsResolution);
        assert!(error.hint_text().unwrap().contains("`serverIp`"));
    }
}
