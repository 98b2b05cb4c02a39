//! Verifying host names on their own, outside a deployment.

use crate::DeployError;
use crate::deploy::context::RunContext;
use crate::deploy::prepare::server_address;
use crate::deploy::report::{DnsReport, HostReason, HostReport, RecordStatus, unserved_message};
use crate::dns::{Expectation, verify};
use crate::plan::HostZone;
use futures_util::future::try_join_all;
use std::net::IpAddr;

/// Asks the authoritative servers of each host name of the selected apps, once; and the vendor about one that is not right.
///
/// # Errors
///
/// `DNS_RESOLUTION` when the server's address cannot be found.
pub(crate) async fn check_hosts(context: &RunContext) -> Result<DnsReport, DeployError> {
    let address = server_address(context).await?;
    let lookup = context.lookup_options();
    let checks = context.zones.hosts.iter().map(|(host, desired)| {
        let lookup = &lookup;
        async move {
            let zone = desired.zone.as_ref();
            let expectation = Expectation { host, address, zone: zone.map(|zone| zone.root.as_str()) };
            let verification = verify(&expectation, lookup).await?;
            let proxied = match zone {
                Some(zone) if !verification.is_verified() => is_proxied(context, zone, address).await,
                _ => None,
            };
            let verified = verification.is_verified() || proxied.is_some();
            Ok::<_, DeployError>(HostReport {
                host: host.clone(),
                app_name: desired.app.clone(),
                zone: zone.map(|zone| zone.root.clone()),
                name: zone.map(|zone| zone.name.clone()),
                provider: zone.map(|zone| zone.provider.clone()),
                record: match zone {
                    None => RecordStatus::None,
                    Some(zone) if zone.manual => RecordStatus::Manual,
                    Some(_) => RecordStatus::Unchanged,
                },
                value: Some(address.to_string()),
                replaced: Vec::new(),
                verified,
                reason: match (zone, verified) {
                    _ if proxied.is_some() => Some(HostReason::Proxied),
                    (_, true) => None,
                    (None, false) => Some(HostReason::NoZone),
                    (Some(zone), false) if zone.manual => Some(HostReason::Manual),
                    (Some(_), false) => Some(HostReason::NotAnswering),
                },
                message: proxied
                    .map(|provider| proxied_message(host, &provider, address))
                    .or_else(|| (!verified).then(|| unverified_message(host, zone, address, &verification.message()))),
            })
        }
    });
    Ok(DnsReport { server_ip: Some(address.to_string()), hosts: try_join_all(checks).await? })
}

/// What is said of a name that does not lead to the server.
fn unverified_message(host: &str, zone: Option<&HostZone>, address: IpAddr, found: &str) -> String {
    match zone {
        Some(_) => found.to_owned(),
        None => format!("{found}; {}", unserved_message(host, Some(&address.to_string()))),
    }
}

/// The vendor that answers for a name with addresses of its own, when its record has the server's address.
///
/// A vendor that cannot be asked leaves the name as the name servers show it.
async fn is_proxied(context: &RunContext, zone: &HostZone, address: IpAddr) -> Option<String> {
    let provider = context.zones.providers.get(&zone.root)?;
    let names = provider.get_proxied_names(&zone.root).await.ok()?;
    if !names.iter().any(|name| name.eq_ignore_ascii_case(&zone.name)) {
        return None;
    }
    let records = provider.get_records(&zone.root).await.ok()?;
    let right = records.iter().any(|record| {
        record.record_type == "A"
            && record.name.eq_ignore_ascii_case(&zone.name)
            && record.values == [address.to_string()]
    });
    right.then(|| zone.provider.clone())
}

/// What is said of a name that its vendor answers for.
pub(crate) fn proxied_message(host: &str, provider: &str, address: IpAddr) -> String {
    format!("proxied: {provider} answers for {host} with addresses of its own, and leads to {address}")
}
