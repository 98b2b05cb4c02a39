//! The proof of isolation, as data.

use serde::Serialize;

/// What every app role can and cannot reach, as tried on the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IsolationReport {
    /// How many statements and privileges were checked.
    pub checks: usize,
}
