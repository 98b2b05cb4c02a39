//! Which requests go through which proxy.

use crate::{DeployError, ErrorCode};
use std::net::IpAddr;
use url::{Host, Url};

/// The proxies that are set, and what does without them.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    bypass: Vec<Bypass>,
}

/// A proxy, and the variable that names it.
#[derive(Clone)]
pub(super) struct Proxy {
    /// With its login, where it has one.
    pub(super) url: Url,
    pub(super) variable: &'static str,
}

impl std::fmt::Debug for Proxy {
    /// Without the login.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} of {}", self.place(), self.variable)
    }
}

impl Proxy {
    /// Host and port, without a login.
    pub(super) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bypass {
    Everything,
    /// A host and all below it, at one port or at any.
    Host(String, Option<u16>),
    /// The addresses whose first bits are these.
    Network(IpAddr, u8),
}

impl Proxies {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` with the reason `proxy` when one is no address of a proxy. It is not shown: it may hold a password.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, DeployError> {
        let first = |names: &[&'static str]| {
            let found = names.iter().find_map(|name| Some((*name, variable(name)?)));
            found.map(|(name, value)| parse(name, &value)).transpose()
        };
        let list = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
        Ok(Self {
            https: first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?,
            // A web server that runs programs sets HTTP_PROXY to what its client says: such a program must not use it.
            http: first(match variable("REQUEST_METHOD") {
                Some(_) => &["http_proxy", "ALL_PROXY", "all_proxy"],
                None => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
            })?,
            bypass: list.split([',', ' ']).filter_map(Bypass::parse).collect(),
        })
    }

    /// The proxy through which an address is reached.
    pub(super) fn of(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() };
        proxy.filter(|_| !is_this_machine(url) && !self.bypass.iter().any(|entry| entry.covers(url)))
    }
}

/// Reads the address of a proxy; one without a scheme is spoken to in plain HTTP, as curl has it.
fn parse(variable: &'static str, value: &str) -> Result<Proxy, DeployError> {
    let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let known = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h");
    match Url::parse(&text).ok().filter(|url| known(url) && url.has_host()) {
        Some(url) => Ok(Proxy { url, variable }),
        None => Err(DeployError::new(ErrorCode::InvalidRequest, format!("{variable} is not the address of a proxy"))
            .reason("proxy")
            .hint(format!("Set {variable} to an address like http://proxy.example.com:3128, or unset it"))),
    }
}

impl Bypass {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim();
        match entry {
            "" => return None,
            "*" => return Some(Self::Everything),
            _ => {}
        }
        if let Some((address, bits)) = entry.split_once('/') {
            return Some(Self::Network(unbracketed(address).parse().ok()?, bits.parse().ok()?));
        }
        if let Ok(address) = unbracketed(entry).parse::<IpAddr>() {
            return Some(Self::Network(address, 128));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let host = host.trim_start_matches('*').trim_matches('.');
        Some(Self::Host(unbracketed(host).to_ascii_lowercase(), port))
    }

    fn covers(&self, url: &Url) -> bool {
        match self {
            Self::Everything => true,
            Self::Network(network, bits) => address(url).is_some_and(|address| within(address, *network, *bits)),
            Self::Host(name, port) => {
                let host = unbracketed(url.host_str().unwrap_or_default()).trim_end_matches('.').to_ascii_lowercase();
                let below = host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                below && port.is_none_or(|port| url.port_or_known_default() == Some(port))
            }
        }
    }
}

/// Whether both addresses have the same first bits; more bits than there are means all of them.
fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differing = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => return false,
    };
    let length = if address.is_ipv4() { 32 } else { 128 };
    differing >= u32::from(bits).min(length)
}

/// Whether a request never leaves this machine, where no proxy could reach what it is for.
fn is_this_machine(url: &Url) -> bool {
    let name = url.host_str().unwrap_or_default().trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost") || address(url).is_some_and(|address| address.is_loopback())
}

fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned()))
            .unwrap()
    }

    fn place(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.of(&Url::parse(url).unwrap()).map(Proxy::place)
    }

    #[test]
    fn each_scheme_has_its_proxy_and_both_may_have_one() {
        let both = proxies(&[("https_proxy", "http://one:3128"), ("HTTP_PROXY", "two:8080")]);
        assert_eq!(place(&both, "https://dokploy.example.com").as_deref(), Some("one:3128"));
        assert_eq!(place(&both, "http://dokploy.example.com:3000").as_deref(), Some("two:8080"));
        let all = proxies(&[("ALL_PROXY", "socks5://three:1080"), ("HTTPS_PROXY", "https://four")]);
        assert_eq!(place(&all, "https://dokploy.example.com").as_deref(), Some("four:443"));
        assert_eq!(place(&all, "http://dokploy.example.com").as_deref(), Some("three:1080"));
        assert_eq!(place(&proxies(&[]), "https://dokploy.example.com"), None);
    }

    #[test]
    fn what_no_proxy_lists_is_reached_without_one() {
        let list = "localhost, internal ,.example.com,*.example.org,10.0.0.0/8,192.0.2.7,fd00::/8,port.test:8443,[::5]";
        let proxies = proxies(&[("HTTPS_PROXY", "http://one:3128"), ("NO_PROXY", list)]);
        for direct in [
            "https://internal",
            "https://deep.below.internal:444",
            "https://EXAMPLE.com",
            "https://a.example.com.",
            "https://a.example.org",
            "https://10.255.0.1:3000",
            "https://192.0.2.7",
            "https://[fd12::1]",
            "https://[::5]",
            "https://port.test:8443",
        ] {
            assert_eq!(place(&proxies, direct), None, "{direct}");
        }
        for proxied in [
            "https://notinternal",
            "https://example.com.evil.test",
            "https://badexample.org",
            "https://11.0.0.1",
            "https://192.0.2.8",
            "https://port.test",
            "https://[fe80::1]",
        ] {
            assert!(place(&proxies, proxied).is_some(), "{proxied}");
        }
    }

    #[test]
    fn a_star_ends_all_proxying_and_this_machine_needs_none() {
        let star = proxies(&[("HTTPS_PROXY", "one"), ("no_proxy", "*")]);
        assert_eq!(place(&star, "https://dokploy.example.com"), None);
        let plain = proxies(&[("ALL_PROXY", "one")]);
        for local in ["http://127.0.0.1:3000", "http://localhost:3000", "http://api.localhost", "https://[::1]"] {
            assert_eq!(place(&plain, local), None, "{local}");
        }
        assert!(place(&plain, "http://128.0.0.1").is_some());
    }

    #[test]
    fn i6_a_wrong_proxy_is_named_by_its_variable_and_a_login_is_never_shown() {
        for wrong in ["ftp://user:hunter2@proxy", "http://", "http://user:hunter2@:80 80"] {
            let error = Proxies::read(|name| (name == "HTTPS_PROXY").then(|| wrong.to_owned())).unwrap_err();
            assert_eq!((error.code(), error.reason_name()), (ErrorCode::InvalidRequest, Some("proxy")));
            assert!(error.message().contains("HTTPS_PROXY") && !format!("{error:?}").contains("hunter2"));
        }
        let right = proxies(&[("HTTPS_PROXY", "http://user:hunter2@proxy:3128")]);
        assert!(!format!("{right:?}").contains("hunter2"));
    }

    #[test]
    fn a_program_of_a_web_server_does_not_take_its_clients_word_for_a_proxy() {
        let cgi = proxies(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil:1"), ("HTTPS_PROXY", "one:1")]);
        assert_eq!(place(&cgi, "http://dokploy.example.com"), None);
        assert!(place(&cgi, "https://dokploy.example.com").is_some());
    }
}
