//! The domains that we attached, as the state remembers them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// The ids of the domains that we attached, by host name.
///
/// A host name has several only while it goes from one app to another, which is attached before the former is detached.
/// In the file one id is a text, as it always was, and several are a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachedDomains(BTreeMap<String, Vec<String>>);

impl AttachedDomains {
    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The host names.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The ids of a host name's domains, oldest first.
    pub fn ids(&self, host: &str) -> &[String] {
        self.0.get(host).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether we attached the domain of this id.
    pub fn has(&self, id: &str) -> bool {
        self.0.values().flatten().any(|known| known == id)
    }

    /// Remembers a domain.
    pub fn insert(&mut self, host: impl Into<String>, id: impl Into<String>) {
        let id = id.into();
        self.remove(&id);
        self.0.entry(host.into()).or_default().push(id);
    }

    /// Forgets the domain of this id.
    pub fn remove(&mut self, id: &str) {
        self.retain(|_, known| known != id);
    }

    /// Forgets every domain but those that `stays` says of, by host name and id.
    pub fn retain(&mut self, stays: impl Fn(&str, &str) -> bool) {
        self.0.retain(|host, ids| {
            ids.retain(|id| stays(host, id));
            !ids.is_empty()
        });
    }
}

/// What the file has at a host name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    One(String),
    Several(Vec<String>),
}

impl<'de> Deserialize<'de> for AttachedDomains {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored: BTreeMap<String, Stored> = BTreeMap::deserialize(deserializer)?;
        let ids = |stored| match stored {
            Stored::One(id) => vec![id],
            Stored::Several(ids) => ids,
        };
        let read = stored.into_iter().map(|(host, stored)| (host, ids(stored))).filter(|(_, ids)| !ids.is_empty());
        Ok(Self(read.collect()))
    }
}

impl Serialize for AttachedDomains {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(host, ids)| {
            let stored = match ids.as_slice() {
                [only] => serde_json::Value::from(only.as_str()),
                several => serde_json::Value::from(several),
            };
            (host, stored)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn i5_a_file_with_one_id_a_host_name_is_read_and_written_as_it_always_was() {
        let file = json!({ "api.shop.test": "1", "web.shop.test": "2" });
        let domains: AttachedDomains = serde_json::from_value(file.clone()).unwrap();
        assert!(domains.has("1") && domains.has("2") && !domains.has("3"));
        assert_eq!(serde_json::to_value(&domains).unwrap(), file);
    }

    #[test]
    fn i8_a_host_name_that_goes_to_another_app_loses_neither_domain() {
        let mut domains: AttachedDomains = serde_json::from_value(json!({ "a.test": "1", "b.test": "2" })).unwrap();
        domains.insert("b.test", "3");
        domains.insert("a.test", "4");
        let file = serde_json::to_value(&domains).unwrap();
        assert_eq!(file, json!({ "a.test": ["1", "4"], "b.test": ["2", "3"] }));
        let mut domains: AttachedDomains = serde_json::from_value(file).unwrap();
        domains.remove("1");
        domains.remove("2");
        assert_eq!(serde_json::to_value(&domains).unwrap(), json!({ "a.test": "4", "b.test": "3" }));
        domains.retain(|host, _| host != "a.test");
        assert_eq!(domains.hosts().collect::<Vec<_>>(), ["b.test"]);
    }
}
