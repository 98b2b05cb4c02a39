//! Compares environments by name, never showing a value.

use super::stored::read_env;
use crate::secrets::{Secret, digest_parts};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A variable that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VariableChange {
    /// Its name.
    pub name: String,
    /// How.
    pub change: VariableChangeKind,
}

/// How a variable changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VariableChangeKind {
    /// It is new.
    Added,
    /// Its value is another.
    Changed,
    /// It goes.
    Removed,
    /// Its value is known only after apply.
    Unknown,
}

/// What changes between the `env` text that the server stores and the variables that we want, by name.
///
/// `known_after_apply` are wanted variables whose value is not known yet.
pub fn env_changes(
    stored: &str,
    desired: &IndexMap<String, Secret>,
    known_after_apply: &[String],
) -> Vec<VariableChange> {
    let unknown: BTreeSet<&str> = known_after_apply.iter().map(String::as_str).collect();
    let stored = read_env(stored);
    let mut from = sorted(&stored.values);
    // A template is none of our values: no variable holds a NUL.
    from.extend(stored.templated.iter().map(|name| (name.as_str(), "\0")));
    changes(&from, &sorted(desired), &unknown)
}

/// How a container's environment (`Config.Env` of Docker, each `NAME=value`) differs from what we sent.
///
/// Variables that we did not send are the image's own and do not count.
pub fn container_changes(container: &[String], sent: &IndexMap<String, Secret>) -> Vec<VariableChange> {
    let mut found: BTreeMap<&str, &str> = container.iter().filter_map(|entry| entry.split_once('=')).collect();
    found.retain(|name, _| sent.contains_key(*name));
    changes(&found, &sorted(sent), &BTreeSet::new())
}

fn sorted(variables: &IndexMap<String, Secret>) -> BTreeMap<&str, &str> {
    variables.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

/// The changes from one environment to another, sorted by name.
fn changes(from: &BTreeMap<&str, &str>, to: &BTreeMap<&str, &str>, unknown: &BTreeSet<&str>) -> Vec<VariableChange> {
    let names: BTreeSet<&str> = from.keys().chain(to.keys()).chain(unknown).copied().collect();
    let change = |name: &str| match (from.get(name), to.get(name)) {
        _ if unknown.contains(name) => Some(VariableChangeKind::Unknown),
        (None, Some(_)) => Some(VariableChangeKind::Added),
        (Some(_), None) => Some(VariableChangeKind::Removed),
        (Some(before), Some(after)) if before != after => Some(VariableChangeKind::Changed),
        _ => None,
    };
    names.into_iter().filter_map(|name| Some(VariableChange { name: name.to_owned(), change: change(name)? })).collect()
}

/// The SHA-256 of an environment in lower-case hex; the order of its variables does not count.
pub fn env_digest(variables: &IndexMap<String, Secret>) -> String {
    digest_parts(sorted(variables).into_iter().flat_map(|(name, value)| [name, value]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use VariableChangeKind::{Added, Changed, Removed, Unknown};

    fn env(pairs: &[(&str, &str)]) -> IndexMap<String, Secret> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    fn kinds(changes: Vec<VariableChange>) -> Vec<(String, VariableChangeKind)> {
        changes.into_iter().map(|change| (change.name, change.change)).collect()
    }

    #[test]
    fn stored_text_is_compared_by_what_the_server_reads() {
        let desired = env(&[
            ("SAME", "a#b"),
            ("HASH", "a#b"),
            ("NEW", "1"),
            ("DATABASE_URL", "old"),
            ("HELLO", "{{name}}"),
            ("BYE", "{{name}}"),
        ]);
        let stored =
            "SAME='a#b'\nHASH=a#b\nGONE=1\nDATABASE_URL=old\nNODE={{.Node.ID}}\nHELLO={{name}}\nBYE={{`{{`}}name}}";
        let changes = kinds(env_changes(stored, &desired, &["DATABASE_URL".to_owned()]));
        let expected = [
            ("DATABASE_URL", Unknown),
            ("GONE", Removed),
            ("HASH", Changed),
            ("HELLO", Changed),
            ("NEW", Added),
            ("NODE", Removed),
        ];
        assert_eq!(changes, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn i7_a_container_must_carry_what_we_sent() {
        let container = ["PATH=/bin", "A=1=2", "B=old", "BROKEN"].map(str::to_owned);
        assert_eq!(kinds(container_changes(&container, &env(&[("A", "1=2")]))), []);
        let sent = env(&[("A", "1=2"), ("B", "new"), ("C", "")]);
        let expected = [("B", Changed), ("C", Added)].map(|(name, kind)| (name.to_owned(), kind));
        assert_eq!(kinds(container_changes(&container, &sent)), expected);
    }

    #[test]
    fn i9_a_digest_depends_on_names_and_values_only() {
        let digest = |pairs: &[(&str, &str)]| env_digest(&env(pairs));
        assert_eq!(digest(&[("A", "1"), ("B", "2")]), digest(&[("B", "2"), ("A", "1")]));
        assert_ne!(digest(&[("A", "bc")]), digest(&[("Ab", "c")]));
        assert_ne!(digest(&[("A", "")]), digest(&[]));
        assert_eq!(digest(&[]).len(), 64);
    }
}
