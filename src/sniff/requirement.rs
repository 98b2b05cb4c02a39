//! What sniffing finds: requirements and their evidence.
//!
//! A variable is **required** where one place at least cannot do without it: its schema refuses absence, a construct names
//! it, the app does not load without it, or a module that a route app always loads has nothing in its place. It is
//! **optional** where every place can: its schema accepts absence, the app gives a value, what asks did not run, or no
//! construct uses the service that asks. What is only read from `process.env` is neither: it is evidence.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why we believe that an app uses a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Evidence {
    /// The variable.
    pub name: String,
    /// How it was found.
    pub source: EvidenceSource,
    /// The file that asked for it, relative to the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether the app can do without it.
    pub optional: bool,
    /// Why it is optional: for instance `default`, `optional`, `union with undefined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a variable was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EvidenceSource {
    /// Asked of envkit's `EnvironmentParser`.
    Envkit,
    /// Read in the source: in code that does not run while the app is loaded, such as a handler.
    Source,
    /// Named by a construct of a route app.
    Construct,
    /// Listed in the app's `requiredEnv`.
    RequiredEnv,
    /// Follows from a dependency of a front end.
    Dependency,
    /// Read from `process.env`; required only where the app does not load without it, or where a route app always loads
    /// what reads it and has nothing in its place.
    ProcessEnv,
}

/// What an entry file needs (`sniffEntryFile`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SniffedEntry {
    /// Every variable it asks for, sorted: the required and the optional ones.
    pub env_vars: Vec<String>,
    /// The variables it can do without, sorted.
    pub optional_env_vars: Vec<String>,
    /// Why the result may be partial; absent when the file ran as far as it should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SniffFailure>,
    /// Where each was asked for.
    pub evidence: Vec<Evidence>,
}

impl SniffedEntry {
    /// Those it cannot do without, sorted: what [`SniffedEnvironment::required_env_vars`] calls required.
    pub fn required_env_vars(&self) -> Vec<String> {
        self.env_vars.iter().filter(|name| !self.optional_env_vars.contains(name)).cloned().collect()
    }
}

/// Why a sniff did not run to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SniffFailure {
    /// What happened: `syntax`, `unresolved-import`, `deadline`, `threw`, `exited`, `crashed`, `no-entry`, `no-export` (what
    /// `envParser` names is not a function), `no-node`, `no-typescript` (nothing here can read the app's TypeScript),
    /// `not-followed` (a file that is run in another process or thread is not known).
    pub kind: String,
    /// The app's own message, redacted and shortened.
    pub message: String,
    /// The app's own stack, trimmed to its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The file that is concerned, relative to the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What to do about it, and what `requiredEnv` would be to go on without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether names were found all the same, so that the result is partial rather than empty.
    pub partial: bool,
    /// Whether a deployment must stop on it (`onSniffError: 'fail'`): false where the result is complete all the same,
    /// for instance an app that threw after its configuration was read because no database answered.
    pub fatal: bool,
}

/// What an app needs (`sniffApp`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SniffedEnvironment {
    /// The app.
    pub app_name: String,
    /// The variables it cannot do without, sorted.
    pub required_env_vars: Vec<String>,
    /// The variables it can do without, sorted.
    pub optional_env_vars: Vec<String>,
    /// Where each was found.
    pub evidence: Vec<Evidence>,
    /// Why the result may be partial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SniffFailure>,
    /// Whether it came from the cache.
    #[serde(default)]
    pub cached: bool,
}

impl SniffFailure {
    /// A failure of a sniff that could not begin.
    pub(super) fn new(kind: &str, message: String) -> Self {
        let mend = match kind {
            "no-node" => "Install Node.js 20.19 or newer, or name one as surroundings.node",
            _ => "Correct what the workspace says",
        };
        let hint = Some(format!("{mend}, or list what the app needs: requiredEnv: ['…']"));
        Self { kind: kind.to_owned(), message, stack: None, file: None, hint, partial: false, fatal: true }
    }
}

impl SniffedEntry {
    /// The result of a sniff that could not begin.
    pub(super) fn failed(failure: SniffFailure) -> Self {
        Self { error: Some(failure), ..Self::default() }
    }

    /// Takes in what a file needs that the app runs beside itself: what is required anywhere is required. That it was not
    /// loaded to its end does not stop a deployment.
    pub(super) fn take_offshoot(&mut self, found: Self) {
        let required: BTreeSet<String> =
            self.required_env_vars().into_iter().chain(found.required_env_vars()).collect();
        let names: BTreeSet<String> = std::mem::take(&mut self.env_vars).into_iter().chain(found.env_vars).collect();
        self.optional_env_vars = names.difference(&required).cloned().collect();
        self.env_vars = names.into_iter().collect();
        for evidence in found.evidence {
            if !self.evidence.contains(&evidence) {
                self.evidence.push(evidence);
            }
        }
        if let Some(failure) = found.error.filter(|failure| failure.fatal && self.error.is_none()) {
            let message = format!("What the app runs beside itself was not loaded to its end: {}", failure.message);
            self.error = Some(SniffFailure { message, fatal: false, partial: !self.env_vars.is_empty(), ..failure });
        }
    }
}
