//! The values that a user provides.

use crate::secrets::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Values that a user provides: for every app, and per app.
///
/// The CLI's own `StageSecrets` shape is accepted as well.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// For every app.
    #[serde(default)]
    pub shared: BTreeMap<String, Secret>,
    /// Per app.
    #[serde(default)]
    pub apps: BTreeMap<String, BTreeMap<String, Secret>>,
}
