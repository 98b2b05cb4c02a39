//! What to look for on the server.

use super::ownership::Candidate;
use crate::deploy::context::Marks;
use crate::dokploy::{MarkKind, ServiceEntry, ServiceStatus};
use std::collections::BTreeSet;

/// What to look for on the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerScope<'a> {
    /// The names and marks of the stage.
    pub(crate) marks: &'a Marks,
    /// The apps to read; every app that the workspace declares.
    pub(crate) apps: &'a BTreeSet<String>,
    /// Whether containers are read; a member's key may not.
    pub(crate) containers: bool,
    /// Whether deployments that wait in the server's queue count: nothing more of them is waited for.
    pub(crate) pending: bool,
}

impl ServerScope<'_> {
    /// Whether a description carries the mark of this resource.
    pub(super) fn marked(&self, description: Option<&str>, kind: MarkKind, name: &str) -> bool {
        self.marks.are_in(description, kind, name)
    }

    /// The services of a name as [`select`](super::ownership::select) takes them.
    pub(super) fn candidates<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e ServiceEntry>,
        kind: MarkKind,
        name: &str,
    ) -> Vec<Candidate> {
        let candidate = |entry: &ServiceEntry| Candidate {
            id: entry.id.clone(),
            name: entry.name.clone(),
            marked: self.marked(entry.description.as_deref(), kind, name),
            idle: entry.application_status == ServiceStatus::Idle,
            created_at: entry.created_at.clone(),
        };
        entries.into_iter().map(candidate).collect()
    }
}
