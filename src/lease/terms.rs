//! How a lease is kept on a server: how long, how often, under which name.

use super::protocol::LeaseTerms;
use derive_setters::Setters;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

/// What stays readable in a name.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// How leases are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Setters)]
pub struct LeaseSettings {
    /// How long a run that says nothing keeps its lease; default 60 s.
    pub term: Duration,
    /// How often a run says something; default 15 s.
    pub renewal: Duration,
    /// How often one that waits looks again; default 2 s.
    pub poll: Duration,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self { term: Duration::from_mins(1), renewal: Duration::from_secs(15), poll: Duration::from_secs(2) }
    }
}

impl LeaseSettings {
    /// The terms, where a request may take as long as `landing` to have its effect.
    pub(super) fn terms(&self, landing: Duration) -> LeaseTerms {
        LeaseTerms { term: self.term, renewal: self.renewal, grace: landing }
    }
}

/// The name of what is leased; unique on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseName {
    /// For people: the stage, or the project of a workspace.
    what: String,
    /// For the server.
    tag: String,
    project: bool,
}

impl LeaseName {
    /// A stage of a workspace.
    pub fn stage(workspace: &str, stage: &str) -> Self {
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        Self {
            what: format!("stage `{stage}`"),
            tag: format!("deploy-native workspace={} stage={}", encoded(workspace), encoded(stage)),
            project: false,
        }
    }

    /// What the stages of a workspace share: its project.
    pub fn project(workspace: &str) -> Self {
        Self {
            what: format!("project `{workspace}`"),
            tag: format!("deploy-native workspace={}", utf8_percent_encode(workspace, ENCODED)),
            project: true,
        }
    }

    /// What it is, for people.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Whether it is what the stages of a workspace share.
    pub fn is_project(&self) -> bool {
        self.project
    }

    /// The name of the tag that stands for it.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_stages_have_the_same_name() {
        assert_eq!(LeaseName::stage("shop", "staging").tag(), "deploy-native workspace=shop stage=staging");
        let names = [
            LeaseName::stage("a stage=b", "c"),
            LeaseName::stage("a", "b stage=c"),
            LeaseName::stage("a", "b"),
            LeaseName::project("a"),
            LeaseName::project("a stage=b"),
        ];
        let tags: std::collections::BTreeSet<&str> = names.iter().map(LeaseName::tag).collect();
        assert_eq!(tags.len(), names.len());
    }
}
