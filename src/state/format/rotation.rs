//! What is remembered of credentials that are being changed, so that the next run finishes what an interrupted one began.

use crate::secrets::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A rotation of an app's credentials that is not over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    /// That of its database login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginRotation>,
    /// The generated variables whose new value, which the state holds, was not seen running yet.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
    /// Fields of other versions.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Rotation {
    /// Whether nothing is left of it.
    pub fn is_over(&self) -> bool {
        self.login.is_none() && self.secrets.is_empty()
    }
}

/// A rotation of a database login: its new passwords, durable before the database knows them (I2), and how far it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginRotation {
    /// The password of the second login, with which the app runs meanwhile.
    pub interim: Secret,
    /// The password that the app's own role gets; in `appCredentials` once the database has it.
    pub next: Secret,
    /// How far it came for certain.
    pub phase: RotationPhase,
    /// Fields of other versions.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// How far the rotation of a database login came for certain; the step after it may have been made as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationPhase {
    /// Its passwords are durable; the app's own login is as before.
    Begun,
    /// The app was seen running with its second login, and nothing of it runs with its own one.
    SecondRuns,
    /// The app's own role has its new password.
    Changed,
    /// The app was seen running with its own login again; the second one only has to go.
    Returned,
}
