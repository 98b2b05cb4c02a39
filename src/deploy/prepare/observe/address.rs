//! The address to which host names lead.

use crate::DeployError;
use crate::deploy::context::{RunContext, RunScope};
use crate::dns::find_server_address;
use std::net::IpAddr;

/// The server's address: as the request says, else what the endpoint's host resolves to.
///
/// # Errors
///
/// `DNS_RESOLUTION`.
pub(crate) async fn server_address(context: &RunContext) -> Result<IpAddr, DeployError> {
    match context.request.settings.server_ip {
        Some(ip) => Ok(ip),
        None => find_server_address(context.client.host(), &context.lookup_options()).await,
    }
}

/// The server's address, when a zone is configured for one of the host names.
pub(super) async fn address_for_records(context: &RunContext) -> Result<Option<IpAddr>, DeployError> {
    let has_zone = context.zones.hosts.values().any(|host| host.zone.is_some());
    if context.scope != RunScope::Workspace || !has_zone {
        return Ok(None);
    }
    server_address(context).await.map(Some)
}
