//! Reads an `env` text as the app will see it: what the server reads, and Swarm then expands.

use super::dotenv::parse_env;
use super::template::expand;
use crate::secrets::Secret;
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The variables of an `env` text that the server stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredEnv {
    /// Those whose value says what the app gets.
    pub values: IndexMap<String, Secret>,
    /// Those that somebody wrote as a template of Docker Swarm, such as `{{.Node.Hostname}}`: their value is only known
    /// on the node.
    pub templated: BTreeSet<String>,
}

/// Reads an `env` text that the server stores; the inverse of [`encode_env`](super::encode_env).
pub fn read_env(text: &str) -> StoredEnv {
    let mut stored = StoredEnv::default();
    for (name, written) in parse_env(text) {
        match expand(written.expose()) {
            Some(value) => _ = stored.values.insert(name, Secret::new(value)),
            None => _ = stored.templated.insert(name),
        }
    }
    stored
}
