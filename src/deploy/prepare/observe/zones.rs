//! The records that stand in the DNS zones.

use super::address::server_address;
use crate::DeployError;
use crate::deploy::context::{RunContext, RunScope};
use crate::dns::DnsRecord;
use crate::plan::ObservedRecord;
use crate::state::State;
use futures_util::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// The records at each host name of the run; fails when a zone does not exist (I1).
pub(super) async fn observe_records(context: &RunContext) -> Result<BTreeMap<String, ObservedRecord>, DeployError> {
    if context.scope != RunScope::Workspace {
        return Ok(BTreeMap::new());
    }
    let zones = context.zones.hosts.values().filter_map(|host| host.zone.as_ref()).filter(|zone| !zone.manual);
    let roots: BTreeSet<&str> = zones.map(|zone| zone.root.as_str()).collect();
    let reads = roots.into_iter().map(|root| async move {
        let provider = &context.zones.providers[root];
        let read = tokio::try_join!(provider.get_records(root), provider.get_proxied_names(root))?;
        Ok::<_, DeployError>((root.to_owned(), read))
    });
    let read: BTreeMap<_, _> = try_join_all(reads).await?.into_iter().collect();
    let mut found = BTreeMap::new();
    for (host, desired) in &context.zones.hosts {
        let Some(records) = desired.zone.as_ref().and_then(|zone| Some((zone, read.get(&zone.root)?))) else {
            continue;
        };
        let (zone, (records, proxied)) = records;
        let proxied = proxied.iter().any(|name| name.eq_ignore_ascii_case(&zone.name));
        let mut observed = ObservedRecord { proxied, ..ObservedRecord::default() };
        for record in records.iter().filter(|record| record.name.eq_ignore_ascii_case(&zone.name)) {
            match record.record_type.as_str() {
                "A" => {
                    observed.values.extend(record.values.iter().cloned());
                    observed.ttl = record.ttl;
                }
                "CNAME" | "ALIAS" => observed.conflict = Some(record.record_type.clone()),
                _ => {}
            }
        }
        found.insert(host.clone(), observed);
    }
    Ok(found)
}

/// The host names of the apps that are to go which lead to the server, when the state knows of no record that we wrote: it
/// may be lost. What cannot be found out is left out.
pub(crate) async fn hosts_leading_to_server(
    context: &RunContext,
    state: &State,
    apps: Option<&BTreeSet<String>>,
) -> BTreeSet<String> {
    let mut leading = BTreeSet::new();
    if !state.dns_records.is_empty() || context.request.workspace.deploy.dns.is_empty() {
        return leading;
    }
    let here = server_address(context).await.ok().map(|ip| ip.to_string());
    let mut read = BTreeMap::new();
    for (app, host) in &context.hosts {
        let zone = context.request.workspace.zone_of(host).filter(|_| apps.is_none_or(|apps| apps.contains(app)));
        let Some((root, _, name)) = zone else { continue };
        if !read.contains_key(root) {
            let records = match context.zones.provider_of(root) {
                Some(Ok(provider)) => provider.get_records(root).await.unwrap_or_default(),
                _ => Vec::new(),
            };
            read.insert(root, records);
        }
        let known = state.dns_verified.get(host).map(|verified| &verified.server_ip);
        let ours = |value: &String| Some(value) == here.as_ref() || Some(value) == known;
        let is_a = |record: &&DnsRecord| record.record_type == "A" && record.name.eq_ignore_ascii_case(&name);
        if read[root].iter().filter(is_a).any(|record| record.values.iter().any(ours)) {
            leading.insert(host.clone());
        }
    }
    leading
}
