//! DNS records: what stood there before is durable before it is replaced (I8).

use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::apply::resources::HostCheck;
use crate::deploy::changes::{StepContext, ZoneQueues};
use crate::deploy::context::Providers;
use crate::dns::{DnsProvider, DnsRecord, Expectation, LookupOptions, Verification, WaitOptions, wait_verified};
use crate::plan::{HostZone, ObservedRecord};
use crate::state::{DnsRecordState, DnsVerified, Intent, Outcome, PreviousRecord, State};
use crate::{DeployError, ErrorCode};
use serde_json::Map;
use std::net::IpAddr;
use std::time::Duration;

/// How records are written and verified.
pub(crate) struct Records {
    providers: Providers,
    queues: ZoneQueues,
    lookup: LookupOptions,
    /// How long DNS is waited for.
    timeout: Duration,
}

/// A host name, where its record lives, and where it is to lead.
#[derive(Debug, Clone)]
pub(super) struct HostPlace<'a> {
    pub(super) host: &'a str,
    pub(super) app: &'a str,
    pub(super) zone: &'a HostZone,
    pub(super) address: IpAddr,
}

impl Records {
    /// Writes by `providers`; waits for DNS as long as `timeout`.
    pub(crate) fn new(providers: Providers, lookup: LookupOptions, timeout: Duration) -> Self {
        Self { providers, queues: ZoneQueues::default(), lookup, timeout }
    }

    /// The provider of a zone.
    ///
    /// # Errors
    ///
    /// `INTERNAL` when there is none.
    pub(super) fn provider(&self, root: &str) -> Result<&dyn DnsProvider, DeployError> {
        let missing =
            || DeployError::new(ErrorCode::Internal, format!("No DNS provider serves `{root}`")).resource(root);
        self.providers.get(root).map(AsRef::as_ref).ok_or_else(missing)
    }

    /// Writes a host name's A record; `before` is what was observed there.
    pub(super) async fn write(
        &self,
        cx: &StepContext<'_>,
        place: &HostPlace<'_>,
        before: Option<&ObservedRecord>,
    ) -> Result<StepOutcome, DeployError> {
        let provider = self.provider(&place.zone.root)?;
        let previous = before.filter(|before| !before.values.is_empty()).map(|before| PreviousRecord {
            values: before.values.clone(),
            ttl: before.ttl,
            unknown: Map::new(),
        });
        let key = key(&cx.state.snapshot(), place.zone);
        let now = cx.now();
        cx.state.update(|state| remember(state, &key, place, previous.clone(), &now)).await?;
        let entry = cx.intend(Intent::DnsUpsert { host: place.host.to_owned(), previous }).await?;
        let record = DnsRecord {
            name: place.zone.name.clone(),
            record_type: "A".to_owned(),
            ttl: place.zone.ttl,
            values: vec![place.address.to_string()],
        };
        let written = self.queues.upsert(provider, &place.zone.root, record).await;
        written.map_err(|error| error.resource(place.host))?;
        cx.journal.settle(&entry, Outcome::Done).await?;
        Ok(StepOutcome::Changed(()))
    }

    /// Waits until a host name's authoritative servers answer with the server's address; makes known whether they do.
    ///
    /// That they do not is no failure: the app runs, its domain waits, and the next run attaches it (design: The flow).
    pub(super) async fn verify(
        &self,
        cx: &StepContext<'_>,
        place: &HostPlace<'_>,
    ) -> Result<StepOutcome<HostCheck>, DeployError> {
        let host = place.host;
        let wait = WaitOptions { deadline: self.timeout, ..WaitOptions::default() };
        let expectation = Expectation { host, address: place.address, zone: Some(&place.zone.root) };
        let mut told = String::new();
        let mut on_check = |verification: &Verification| {
            let message = verification.message();
            if message != told {
                cx.progress(&message);
                told = message;
            }
        };
        let verification = wait_verified(&expectation, &self.lookup, &wait, &mut on_check).await?;
        for note in &verification.notes {
            cx.reporter.warn("dns", note, cx.step.app.as_deref());
        }
        if verification.is_verified() {
            let server_ip = place.address.to_string();
            let verified = DnsVerified { server_ip, verified_at: cx.now(), unknown: Map::new() };
            cx.state.update(|state| state.dns_verified.insert(host.to_owned(), verified)).await?;
            return Ok(StepOutcome::Changed(HostCheck::Verified));
        }
        let reason = verification.message();
        cx.state.update(|state| state.dns_verified.shift_remove(host)).await?;
        Ok(StepOutcome::Unchanged { value: HostCheck::Unverified(reason.clone()), reason })
    }

    /// Takes our A record away, and puts back what stood there before. A record that somebody changed since is left
    /// alone, and so is one whose app has moved to the host name `successor`, which does not answer yet.
    pub(super) async fn restore(
        &self,
        cx: &StepContext<'_>,
        key: &str,
        successor: Option<&str>,
        check: Option<HostCheck>,
    ) -> Result<StepOutcome, DeployError> {
        if let (Some(successor), Some(HostCheck::Unverified(_))) = (successor, check) {
            return Ok(StepOutcome::Deferred(format!("it stays until {successor} answers")));
        }
        let state = cx.state.snapshot();
        let Some(record) = state.dns_records.get(key) else {
            return Ok(StepOutcome::unchanged("it is gone already"));
        };
        let host = record.host();
        let change = async {
            let done = self.put_back(record).await?;
            cx.state
                .update(|state| {
                    state.dns_records.shift_remove(key);
                    state.dns_verified.shift_remove(&host);
                })
                .await?;
            Ok::<_, DeployError>(done)
        };
        cx.journaled(Intent::DnsDelete { host: host.clone() }, change).await
    }

    async fn put_back(&self, record: &DnsRecordState) -> Result<StepOutcome, DeployError> {
        let provider = self.provider(&record.domain)?;
        let set = |values: Vec<String>, ttl: u32| {
            let record_type = "A".to_owned();
            DnsRecord { name: record.name.clone(), record_type, ttl, values }
        };
        let now = provider.get_records(&record.domain).await?;
        let stands = now.iter().find(|set| set.name == record.name && set.record_type == "A");
        if stands.is_none_or(|stands| stands.values != [record.value.as_str()]) {
            return Ok(StepOutcome::unchanged("it no longer is as we wrote it"));
        }
        match &record.previous {
            Some(previous) => {
                provider.upsert_records(&record.domain, &[set(previous.values.clone(), previous.ttl)]).await?;
            }
            None => provider.delete_records(&record.domain, &[set(vec![record.value.clone()], record.ttl)]).await?,
        }
        Ok(StepOutcome::Changed(()))
    }
}

/// Remembers a record that we are about to write, and what stands there unless it is our own.
fn remember(state: &mut State, key: &str, place: &HostPlace<'_>, found: Option<PreviousRecord>, now: &str) {
    let ip = place.address.to_string();
    let known = state.dns_records.get(key);
    let previous = match (known, found) {
        // What we find is what we wrote; what stood there before us is known already.
        (Some(known), Some(found)) if found.values == [known.value.as_str()] => known.previous.clone(),
        // An earlier run remembered it, and was interrupted before or after the write.
        (Some(known), Some(found)) if found.values == [ip.as_str()] => known.previous.clone(),
        (_, found) => found,
    };
    let record = DnsRecordState {
        domain: place.zone.root.clone(),
        name: place.zone.name.clone(),
        record_type: "A".to_owned(),
        value: ip,
        ttl: place.zone.ttl,
        created_at: now.to_owned(),
        app: Some(place.app.to_owned()),
        previous,
        unknown: known.map(|known| known.unknown.clone()).unwrap_or_default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> HostZone {
        HostZone { root: "shop.test".into(), name: "web".into(), provider: "x".into(), ttl: 300, manual: false }
    }

    fn write_at(state: &mut State, address: &str, found: Option<PreviousRecord>) {
        let (zone, address) = (zone(), address.parse().unwrap());
        let place = HostPlace { host: "web.shop.test", app: "web", zone: &zone, address };
        remember(state, "web:A", &place, found, "t");
    }

    #[expect(clippy::unnecessary_wraps, reason = "what `remember` takes")]
    fn found(value: &str) -> Option<PreviousRecord> {
        Some(PreviousRecord { values: vec![value.into()], ttl: 60, unknown: Map::new() })
    }

    #[test]
    fn i8_what_stood_there_before_us_is_kept_through_changes_of_address() {
        let mut state = State::new("s");
        write_at(&mut state, "192.0.2.1", found("203.0.113.9"));
        write_at(&mut state, "192.0.2.2", found("192.0.2.1"));
        assert_eq!(state.dns_records["web:A"].previous, found("203.0.113.9"));
        assert_eq!(state.dns_records["web:A"].value, "192.0.2.2");
    }

    #[test]
    fn i8_a_run_that_was_interrupted_after_remembering_keeps_the_old_value() {
        let mut state = State::new("s");
        write_at(&mut state, "192.0.2.1", found("203.0.113.9"));
        write_at(&mut state, "192.0.2.1", found("203.0.113.9"));
        assert_eq!(state.dns_records["web:A"].previous, found("203.0.113.9"));
    }

    #[test]
    fn records_of_two_zones_do_not_share_a_key() {
        let mut state = State::new("s");
        write_at(&mut state, "192.0.2.1", None);
        let other = HostZone { root: "other.test".into(), ..zone() };
        assert_eq!((key(&state, &zone()), key(&state, &other)), ("web:A".into(), "web.other.test:A".into()));
    }
}
