//! Verifying host names on their own, outside a deployment.

use super::ready::Ready;
use super::report::{DnsReport, HostReport, RecordStatus};
use crate::DeployError;
use crate::dns::{Expectation, verify};
use futures_util::future::try_join_all;

/// Asks the authoritative servers of each host name of the selected apps, once. Makes only DNS queries.
///
/// # Errors
///
/// `DNS_RESOLUTION` when the server's address cannot be found.
pub(super) async fn dns(ready: &Ready) -> Result<DnsReport, DeployError> {
    let address = ready.address().await?;
    let lookup = ready.lookup_options();
    let checks = ready.zones.hosts.iter().map(|(host, wanted)| {
        let lookup = &lookup;
        async move {
            let zone = wanted.zone.as_ref();
            let expectation = Expectation { host, address, zone: zone.map(|zone| zone.root.as_str()) };
            let verification = verify(&expectation, lookup).await?;
            Ok::<_, DeployError>(HostReport {
                host: host.clone(),
                app_name: wanted.app.clone(),
                provider: zone.map(|zone| zone.provider.clone()),
                record: match zone {
                    None => RecordStatus::None,
                    Some(zone) if zone.manual => RecordStatus::Manual,
                    Some(_) => RecordStatus::Unchanged,
                },
                verified: verification.is_verified(),
                message: (!verification.is_verified()).then(|| verification.message()),
            })
        }
    });
    Ok(DnsReport { server_ip: Some(address.to_string()), hosts: try_join_all(checks).await? })
}
