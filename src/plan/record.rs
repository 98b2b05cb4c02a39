//! The steps of DNS records (I8).

use super::blueprint::Draft;
use super::desired::{DesiredHost, HostZone};
use super::observed::{ObservedRecord, Ownership};
use super::operation::Operation;
use super::step::{Action, Step};
use crate::state::{DnsRecordState, State};
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::collections::BTreeMap;

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
    let Some(ip) = draft.desired.server_ip.map(|ip| ip.to_string()) else { return };
    for (host, desired) in &draft.desired.hosts {
        let Some(zone) = &desired.zone else { continue };
        if zone.manual {
            manual(draft, host, desired, &ip);
        } else {
            write(draft, host, desired, zone, &ip);
        }
    }
}

fn manual(draft: &mut Draft<'_>, host: &str, desired: &DesiredHost, ip: &str) {
    if verified(draft.state, host, ip) {
        return;
    }
    draft.note(format!("make this record by hand: {host} A {ip} (for {})", desired.app));
}

fn write(draft: &mut Draft<'_>, host: &str, desired: &DesiredHost, zone: &HostZone, ip: &str) {
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
        let Some(step) = change(draft, host, desired, zone, &found, ip) else { return };
        let mut step = Step { id: id.clone(), resource, ..step };
        step.app = Some(desired.app.clone());
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
        step.app = Some(desired.app.clone());
        step.depends_on = draft.only_changing([id.as_str()]);
        draft.push(step, Operation::VerifyRecord { host: host.to_owned() });
    }
}

/// The step that makes a record right, or nothing when it must stay as it is.
fn change(
    draft: &mut Draft<'_>,
    host: &str,
    desired: &DesiredHost,
    zone: &HostZone,
    found: &ObservedRecord,
    ip: &str,
) -> Option<Step> {
    let detail = format!("{ip} for {} s at {}", zone.ttl, zone.provider);
    if found.values.is_empty() {
        let mut step = Step::new("", Action::Create, "", "there is none");
        step.details.push(detail);
        return Some(step);
    }
    let was = found.values.join(", ");
    let written = written_value(draft.state, zone);
    let ours = written.as_ref().is_some_and(|value| found.values == [value.as_str()]);
    if !ours && draft.desired.protect_foreign_dns {
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
    if written.is_none() && has_led_to_us(draft, host, &desired.app) {
        draft.note(format!(
            "record {host} A: {was} may be what we wrote ourselves before the state was lost; undeploy would put it back. \
             Where it is a former address of the server, remove `previous` of this record from the state"
        ));
    }
    let mut step = Step::new("", Action::Update, "", &reason);
    step.details.push(detail);
    Some(step)
}

/// Whether a host name has led to its app before: then its domain was attached, which waits for the record.
fn has_led_to_us(draft: &Draft<'_>, host: &str, app: &str) -> bool {
    let application = draft.observed.applications.get(app).filter(|found| found.ownership == Ownership::Ours);
    application.is_some_and(|found| found.domains.iter().any(|domain| domain.host.eq_ignore_ascii_case(host)))
}

/// The app that a record of ours belongs to: the one remembered with it, else the one at its host name, else the one that
/// its name begins with, as the CLI names hosts. `hosts` has the apps by their host names.
pub(super) fn owner<'a>(record: &'a DnsRecordState, hosts: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let at_host = || hosts.get(&record.host());
    let named = || record.name.split('.').next().filter(|label| *label != "@");
    record.app.as_ref().or_else(at_host).map(String::as_str).or_else(named)
}

/// Remembers with each record of ours at one of these host names whose it is now.
pub fn remember_apps(state: &mut State, hosts: &IndexMap<String, DesiredHost>) {
    for record in state.dns_records.values_mut() {
        if let Some(desired) = hosts.get(&record.host()) {
            record.app = Some(desired.app.clone());
        }
    }
}

/// Adds the steps that take our records away at host names that no app has any more; to be called when every domain that
/// is to be detached has its step.
pub(super) fn retire(draft: &mut Draft<'_>) {
    for (key, record) in &draft.state.dns_records {
        let host = record.host();
        let desired = draft.desired;
        if record.record_type != "A" || desired.declared_hosts.contains_key(&host) {
            continue;
        }
        let app = owner(record, &desired.declared_hosts).and_then(|app| desired.apps.get(app));
        let Some(app) = app.filter(|app| !app.host.is_empty()) else { continue };
        match still_needed(draft, record, &host) {
            Ok(first) => {
                let mut step = removal(&host, record, &format!("{} is now at {}", app.name, app.host)).of(&app.name);
                step.depends_on = first;
                step.depends_on.extend(draft.only_changing([verify_id(&app.host).as_str()]));
                let moved = Some(app.name.clone());
                draft.push(step, Operation::RestoreRecord { key: key.clone(), moved });
            }
            Err(reason) => {
                draft.note(format!("record {host} A is ours, no app has it any more, and it stays: {reason}"));
            }
        }
    }
}

/// What has to be done before a record can go, or why it has to stay.
fn still_needed(draft: &Draft<'_>, record: &DnsRecordState, host: &str) -> Result<Vec<String>, String> {
    if draft.desired.hosts_elsewhere.contains(host) {
        return Err("another stage has this host name".to_owned());
    }
    if !draft.desired.writable_zones.contains(&record.domain) {
        return Err(format!("the workspace no longer says who serves the zone {}", record.domain));
    }
    let mut first = Vec::new();
    for (app, application) in &draft.observed.applications {
        for domain in application.domains.iter().filter(|domain| domain.host.eq_ignore_ascii_case(host)) {
            let goes = draft.detaches(&domain.id);
            first
                .push(goes.ok_or_else(|| format!("a domain that this run does not detach leads from there to {app}"))?);
        }
    }
    Ok(first)
}

/// The step that takes a record of ours away, and puts back what stood there before.
pub(super) fn removal(host: &str, record: &DnsRecordState, why: &str) -> Step {
    let reason = match &record.previous {
        Some(previous) => format!("{why}; puts back {}, which stood there before", previous.values.join(", ")),
        None => why.to_owned(),
    };
    Step::new(&write_id(host), Action::Delete, &format!("record {host} A"), &reason)
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
