//! DNS records: what stood there before is durable before it is replaced (I8).

use crate::deploy::apply::Done;
use crate::deploy::session::Session;
use crate::dns::{DnsProvider, DnsRecord, Expectation, LookupOptions, Verification, WaitOptions, wait_verified};
use crate::plan::{HostZone, Step};
use crate::state::{DnsRecordState, DnsVerified, Intent, Outcome, PreviousRecord, State};
use crate::{DeployError, ErrorCode};
use serde_json::Map;
use std::sync::Arc;

/// Writes a host name's A record.
pub(super) async fn write(session: &Session, step: &Step, host: &str) -> Result<Done, DeployError> {
    let (zone, ip) = place(session, host)?;
    let provider = provider(session, &zone)?;
    let before = session.records.get(host).cloned().unwrap_or_default();
    let previous = (!before.values.is_empty()).then(|| PreviousRecord {
        values: before.values.clone(),
        ttl: before.ttl,
        unknown: Map::new(),
    });
    let app = session.desired.hosts.get(host).map(|desired| desired.app.clone());
    let key = key(&session.state.snapshot(), &zone);
    let now = session.now();
    session.state.update(|state| remember(state, &key, &zone, &ip, app, previous.clone(), &now)).await?;
    let intent = Intent::DnsUpsert { host: host.to_owned(), previous };
    let entry = session.journal.intend(step.id.as_str(), intent).await?;
    let record = DnsRecord { name: zone.name.clone(), record_type: "A".to_owned(), ttl: zone.ttl, values: vec![ip] };
    let written = session.zone_queues.upsert(provider.as_ref(), &zone.root, record).await;
    written.map_err(|error| error.resource(host))?;
    session.journal.settle(&entry, Outcome::Done).await?;
    Ok(Done::Changed)
}

/// Remembers a record that we are about to write, and what stands there unless it is our own.
fn remember(
    state: &mut State,
    key: &str,
    zone: &HostZone,
    ip: &str,
    app: Option<String>,
    found: Option<PreviousRecord>,
    now: &str,
) {
    let known = state.dns_records.get(key);
    let previous = match (known, found) {
        // What we find is what we wrote; what stood there before us is known already.
        (Some(known), Some(found)) if found.values == [known.value.as_str()] => known.previous.clone(),
        // An earlier run remembered it, and was interrupted before or after the write.
        (Some(known), Some(found)) if found.values == [ip] => known.previous.clone(),
        (_, found) => found,
    };
    let unknown = known.map(|known| known.unknown.clone()).unwrap_or_default();
    let record = DnsRecordState {
        domain: zone.root.clone(),
        name: zone.name.clone(),
        record_type: "A".to_owned(),
        value: ip.to_owned(),
        ttl: zone.ttl,
        created_at: now.to_owned(),
        app,
        previous,
        unknown,
    };
    state.dns_records.insert(key.to_owned(), record);
}

/// The key of a record in the state: the CLI's `name:type`, or with the zone where another zone has that key.
fn key(state: &State, zone: &HostZone) -> String {
    let plain = format!("{}:A", zone.name);
    match state.dns_records.get(&plain) {
        Some(record) if record.domain != zone.root => format!("{}.{}:A", zone.name, zone.root),
        _ => plain,
    }
}

/// Waits until a host name's authoritative servers answer with the server's address.
///
/// That they do not is no failure: the app runs, its domain waits, and the next run attaches it (design: The flow).
pub(super) async fn verify(session: &Session, step: &Step, host: &str) -> Result<Done, DeployError> {
    let (zone, ip) = place(session, host)?;
    let lookup = LookupOptions {
        name_servers: session.surroundings.name_servers.clone(),
        authoritative_port: session.surroundings.authoritative_port,
        ..LookupOptions::default()
    };
    let wait = WaitOptions { deadline: session.dns_timeout, ..WaitOptions::default() };
    let address = session.desired.server_ip.ok_or_else(|| no_address(host))?;
    let expectation = Expectation { host, address, zone: Some(&zone.root) };
    let mut told = String::new();
    let mut on_check = |verification: &Verification| {
        let message = verification.message();
        if message != told {
            session.progress(step, message.clone());
            told = message;
        }
    };
    let verification = wait_verified(&expectation, &lookup, &wait, &mut on_check).await?;
    for note in &verification.notes {
        session.warn("dns", note, step.app.as_deref());
    }
    if verification.is_verified() {
        let verified = DnsVerified { server_ip: ip, verified_at: session.now(), unknown: Map::new() };
        session.state.update(|state| state.dns_verified.insert(host.to_owned(), verified)).await?;
        return Ok(Done::Changed);
    }
    let reason = verification.message();
    session.world().unverified.insert(host.to_owned(), reason.clone());
    session.state.update(|state| state.dns_verified.shift_remove(host)).await?;
    Ok(Done::Nothing(reason))
}

fn place(session: &Session, host: &str) -> Result<(HostZone, String), DeployError> {
    let zone = session.desired.hosts.get(host).and_then(|desired| desired.zone.clone());
    let ip = session.desired.server_ip.map(|ip| ip.to_string());
    zone.zip(ip).ok_or_else(|| no_address(host))
}

fn no_address(host: &str) -> DeployError {
    DeployError::new(ErrorCode::Internal, format!("Neither zone nor address of `{host}` is known"))
}

pub(super) fn provider(session: &Session, zone: &HostZone) -> Result<Arc<dyn DnsProvider>, DeployError> {
    session.dns.get(&zone.root).cloned().ok_or_else(|| {
        DeployError::new(ErrorCode::Internal, format!("No DNS provider serves `{}`", zone.root)).resource(&zone.root)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> HostZone {
        HostZone { root: "shop.test".into(), name: "web".into(), provider: "x".into(), ttl: 300, manual: false }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what `remember` takes")]
    fn found(value: &str) -> Option<PreviousRecord> {
        Some(PreviousRecord { values: vec![value.into()], ttl: 60, unknown: Map::new() })
    }

    #[test]
    fn i8_what_stood_there_before_us_is_kept_through_changes_of_address() {
        let mut state = State::new("s");
        remember(&mut state, "web:A", &zone(), "192.0.2.1", None, found("203.0.113.9"), "t");
        remember(&mut state, "web:A", &zone(), "192.0.2.2", None, found("192.0.2.1"), "t");
        assert_eq!(state.dns_records["web:A"].previous, found("203.0.113.9"));
        assert_eq!(state.dns_records["web:A"].value, "192.0.2.2");
    }

    #[test]
    fn i8_a_run_that_was_interrupted_after_remembering_keeps_the_old_value() {
        let mut state = State::new("s");
        remember(&mut state, "web:A", &zone(), "192.0.2.1", None, found("203.0.113.9"), "t");
        remember(&mut state, "web:A", &zone(), "192.0.2.1", None, found("203.0.113.9"), "t");
        assert_eq!(state.dns_records["web:A"].previous, found("203.0.113.9"));
    }

    #[test]
    fn records_of_two_zones_do_not_share_a_key() {
        let mut state = State::new("s");
        remember(&mut state, "web:A", &zone(), "192.0.2.1", None, None, "t");
        let other = HostZone { root: "other.test".into(), ..zone() };
        assert_eq!((key(&state, &zone()), key(&state, &other)), ("web:A".into(), "web.other.test:A".into()));
    }
}
