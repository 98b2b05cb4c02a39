//! The zones: one store behind the vendors' APIs and the DNS servers, with a history so that servers can lag behind.

use indexmap::IndexMap;
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One record of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneRecord {
    /// The vendor's id of it; given when it is stored.
    pub id: String,
    /// The name within the zone, lower-case; `@` for the zone itself.
    pub name: String,
    /// The type, for instance `A`.
    #[serde(rename = "type")]
    pub record_type: String,
    /// The time to live in seconds; Cloudflare's 1 means automatic.
    pub ttl: u32,
    /// The value, as in a zone file.
    pub content: String,
    /// Whether Cloudflare answers for it with addresses of its own.
    pub proxied: bool,
    /// Whether Hostinger keeps it without serving it.
    pub disabled: bool,
    /// Cloudflare's comment.
    pub comment: Option<String>,
}

impl ZoneRecord {
    /// Makes a plain record: neither proxied nor disabled.
    pub fn new(name: &str, record_type: &str, ttl: u32, content: &str) -> Self {
        Self {
            id: String::new(),
            name: name.to_ascii_lowercase(),
            record_type: record_type.to_ascii_uppercase(),
            ttl,
            content: content.to_owned(),
            proxied: false,
            disabled: false,
            comment: None,
        }
    }

    /// Makes it a proxied one.
    #[must_use]
    pub fn proxied(mut self) -> Self {
        self.proxied = true;
        self.ttl = 1;
        self
    }

    /// Makes it a disabled one.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Whether it is of this name and type.
    pub fn is(&self, name: &str, record_type: &str) -> bool {
        self.name == name && self.record_type == record_type
    }
}

/// A zone with everything it was.
#[derive(Debug)]
struct Zone {
    id: String,
    records: Vec<ZoneRecord>,
    history: Vec<(Instant, Vec<ZoneRecord>)>,
}

/// All zones.
#[derive(Debug, Default)]
pub(super) struct Zones {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    zones: IndexMap<String, Zone>,
    last_id: u64,
}

impl Inner {
    fn next_id(&mut self) -> String {
        self.last_id += 1;
        format!("{:032x}", self.last_id)
    }
}

impl Zones {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an empty zone.
    pub(super) fn add(&self, name: &str) {
        let mut inner = self.lock();
        let id = inner.next_id();
        let zone = Zone { id, records: Vec::new(), history: vec![(Instant::now(), Vec::new())] };
        inner.zones.insert(name.to_ascii_lowercase(), zone);
    }

    /// The names and ids of all zones.
    pub(super) fn list(&self) -> Vec<(String, String)> {
        self.lock().zones.iter().map(|(name, zone)| (name.clone(), zone.id.clone())).collect()
    }

    /// The name of the zone with this id.
    pub(super) fn name_of(&self, id: &str) -> Option<String> {
        self.lock().zones.iter().find(|(_, zone)| zone.id == id).map(|(name, _)| name.clone())
    }

    /// The zone that holds a host name: the longest that equals it or is a dot-suffix of it.
    pub(super) fn enclosing(&self, host: &str) -> Option<String> {
        let inner = self.lock();
        let held = |zone: &&String| host == zone.as_str() || host.ends_with(&format!(".{zone}"));
        inner.zones.keys().filter(held).max_by_key(|zone| zone.len()).cloned()
    }

    /// What the vendor's API shows of a zone.
    pub(super) fn records(&self, zone: &str) -> Option<Vec<ZoneRecord>> {
        self.lock().zones.get(zone).map(|zone| zone.records.clone())
    }

    /// What a server shows of a zone that learns of every change `lag` late.
    pub(super) fn served(&self, zone: &str, lag: Duration) -> Option<Vec<ZoneRecord>> {
        let inner = self.lock();
        let now = Instant::now();
        let history = &inner.zones.get(zone)?.history;
        let seen = history.iter().rev().find(|(since, _)| *since + lag <= now);
        Some(seen.map(|(_, records)| records.clone()).unwrap_or_default())
    }

    /// Changes a zone's records; new ones get an id.
    pub(super) fn change<T>(&self, zone: &str, change: impl FnOnce(&mut Vec<ZoneRecord>) -> T) -> Option<T> {
        let mut inner = self.lock();
        let mut records = inner.zones.get(zone)?.records.clone();
        let result = change(&mut records);
        for record in records.iter_mut().filter(|record| record.id.is_empty()) {
            record.id = inner.next_id();
        }
        let zone = inner.zones.get_mut(zone)?;
        if zone.records != records {
            zone.records.clone_from(&records);
            zone.history.push((Instant::now(), records));
        }
        Some(result)
    }
}

/// The absolute name of a record, without the final dot.
pub(super) fn full_name(name: &str, zone: &str) -> String {
    if name == "@" { zone.to_owned() } else { format!("{name}.{zone}") }
}

/// The name within the zone of an absolute or relative one, as both vendors accept either.
pub(super) fn relative_name(name: &str, zone: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == zone || name == "@" {
        return "@".to_owned();
    }
    name.strip_suffix(&format!(".{zone}")).map_or(name.clone(), str::to_owned)
}
