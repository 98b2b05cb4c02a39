//! The steps of DNS records (I8).

use super::blueprint::Draft;
use super::observed::ObservedRecord;
use super::operation::Operation;
use super::step::{Action, Step};
use super::wanted::{HostZone, WantedHost};
use crate::state::State;
use crate::{DeployError, ErrorCode};

/// The id of the step that writes a host name's record.
pub(super) fn write_id(host: &str) -> String {
    format!("dns:{host}")
}

/// The id of the step that waits for a host name.
pub(super) fn verify_id(host: &str) -> String {
    format!("dns:{host}:verify")
}

/// Adds the steps of every host name that has a zone.
pub(super) fn add(draft: &mut Draft<'_>) {
    let Some(ip) = draft.wanted.server_ip.map(|ip| ip.to_string()) else { return };
    for (host, wanted) in &draft.wanted.hosts {
        let Some(zone) = &wanted.zone else { continue };
        if zone.manual {
            manual(draft, host, wanted, &ip);
        } else {
            write(draft, host, wanted, zone, &ip);
        }
    }
}

fn manual(draft: &mut Draft<'_>, host: &str, wanted: &WantedHost, ip: &str) {
    if verified(draft.state, host, ip) {
        return;
    }
    draft.note(format!("make this record by hand: {host} A {ip} (for {})", wanted.app));
}

fn write(draft: &mut Draft<'_>, host: &str, wanted: &WantedHost, zone: &HostZone, ip: &str) {
    let found = draft.observed.records.get(host).cloned().unwrap_or_default();
    if let Some(conflict) = &found.conflict {
        draft.errors.push(foreign(host, conflict).hint(format!(
            "Remove the {conflict} record of `{host}` at {}, or give the app another domain",
            zone.provider
        )));
        return;
    }
    let id = write_id(host);
    let resource = format!("record {host} A");
    if found.values == [ip] {
        let how = if found.proxied {
            "has the server's address, behind the vendor's proxy"
        } else {
            "has the server's address"
        };
        draft.keep(&id, &resource, how);
    } else {
        let Some(step) = change(draft, host, zone, &found, ip) else { return };
        let mut step = Step { id: id.clone(), resource, ..step };
        step.app = Some(wanted.app.clone());
        draft.push(step, Operation::WriteRecord { host: host.to_owned() });
    }
    // A proxied name answers with the vendor's addresses for ever; that its record is right is all there is to know.
    if !found.proxied && (!verified(draft.state, host, ip) || draft.changes(&id)) {
        let mut step = Step::new(
            &verify_id(host),
            Action::Update,
            &format!("verification of {host}"),
            "its authoritative servers were not yet seen to answer with the server's address",
        );
        step.app = Some(wanted.app.clone());
        step.depends_on = draft.only_changing([id.as_str()]);
        draft.push(step, Operation::VerifyRecord { host: host.to_owned() });
    }
}

/// The step that makes a record right, or nothing when it must stay as it is.
fn change(draft: &mut Draft<'_>, host: &str, zone: &HostZone, found: &ObservedRecord, ip: &str) -> Option<Step> {
    let detail = format!("{ip} for {} s at {}", zone.ttl, zone.provider);
    if found.values.is_empty() {
        let mut step = Step::new("", Action::Create, "", "there is none");
        step.details.push(detail);
        return Some(step);
    }
    let was = found.values.join(", ");
    let ours = written_value(draft.state, zone).is_some_and(|value| found.values == [value]);
    if !ours && draft.wanted.protect_foreign_dns {
        draft.errors.push(foreign(host, &format!("A {was}")).hint(
            "Remove the record by hand, or leave out protectForeignDns to have it replaced and restored by undeploy",
        ));
        return None;
    }
    let reason = if ours {
        format!("replaces {was}, which we wrote")
    } else {
        format!("replaces {was}, which we did not write: it is kept in the state and put back by undeploy")
    };
    let mut step = Step::new("", Action::Update, "", &reason);
    step.details.push(detail);
    Some(step)
}

/// The value that we last wrote for a record.
fn written_value(state: &State, zone: &HostZone) -> Option<String> {
    state
        .dns_records
        .values()
        .find(|record| record.domain == zone.root && record.name == zone.name && record.record_type == "A")
        .map(|record| record.value.clone())
}

/// Whether a host name was already seen to be right (seed: State-Aware Verification).
pub(super) fn verified(state: &State, host: &str, ip: &str) -> bool {
    state.dns_verified.get(host).is_some_and(|verified| verified.server_ip == ip)
}

fn foreign(host: &str, record: &str) -> DeployError {
    DeployError::new(
        ErrorCode::DnsRecordForeign,
        format!("`{host}` has a record that we did not write and must not replace: {record}"),
    )
    .resource(host)
}
