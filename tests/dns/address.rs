//! The server's address from its endpoint.

use crate::{OTHER, SERVER, ZONE, lookup_options, simulator};
use deploy_native::ErrorCode;
use deploy_native::dns::find_server_address;
use deploy_native_simulator::dns::ZoneRecord;
use std::net::IpAddr;

#[tokio::test]
async fn an_endpoint_is_resolved_to_its_one_address() {
    let simulator = simulator()
        .record(ZONE, ZoneRecord::new("dokploy", "A", 300, SERVER))
        .record(ZONE, ZoneRecord::new("alias", "CNAME", 300, "dokploy.example.com"))
        .record(ZONE, ZoneRecord::new("cdn", "A", 300, SERVER))
        .record(ZONE, ZoneRecord::new("cdn", "A", 300, OTHER))
        .record(ZONE, ZoneRecord::new("six", "AAAA", 300, "2001:db8::7"))
        .start()
        .await
        .unwrap();
    let options = lookup_options(&simulator);
    let expected: IpAddr = SERVER.parse().unwrap();
    for host in ["dokploy.example.com", "Dokploy.Example.com.", "alias.example.com"] {
        assert_eq!(find_server_address(host, &options).await.unwrap(), expected, "{host}");
    }
    for (host, why) in [
        ("cdn.example.com", "several addresses (198.51.100.1, 203.0.113.7)"),
        ("six.example.com", "no IPv4 address"),
        ("missing.example.com", "no IPv4 address"),
        ("elsewhere.example.org", "no IPv4 address"),
    ] {
        let error = find_server_address(host, &options).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsResolution, "{host}");
        assert!(error.message().contains(why), "{error}");
        assert!(error.hint_text().unwrap().contains("`serverIp`"), "{host}");
    }
}
