//! The tasks of a Swarm service.

use crate::dokploy::api::ServiceTask;

/// A task of a Swarm service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The slot it fills, for instance `1`; a later task of the same slot takes its place.
    pub slot: String,
    /// Whether its desired state is running, now or after a pause.
    pub desired: bool,
    /// Its current state.
    pub state: TaskState,
    /// Why it is in that state, where Swarm says so.
    pub error: Option<String>,
}

/// The current state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// No node has been found for it yet.
    Pending,
    /// It is on its way: assigned, preparing, ready, starting.
    Starting,
    /// Its container runs.
    Running,
    /// Its container exited with success.
    Complete,
    /// It was stopped, because another one took its place or the service was stopped.
    Stopped,
    /// Its container exited with an error.
    Failed,
    /// Its container could not be created.
    Rejected,
}

impl TaskState {
    /// Reads `Running 8 seconds ago`; a word that Swarm does not use counts as starting.
    fn parse(text: &str) -> Self {
        let word = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        match word.as_str() {
            "new" | "allocated" | "pending" => Self::Pending,
            "running" => Self::Running,
            "complete" => Self::Complete,
            "shutdown" | "remove" => Self::Stopped,
            "failed" | "orphaned" => Self::Failed,
            "rejected" => Self::Rejected,
            _ => Self::Starting,
        }
    }

    /// Whether the container exited by itself, or could not be created.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Rejected)
    }
}

impl Task {
    /// Reads a row of `docker service ps`.
    pub fn parse(row: &ServiceTask) -> Self {
        let error = row.error.trim().trim_matches('"').trim();
        // The server cuts the word off only where something follows it.
        let error = (!error.is_empty() && error != "Error:").then(|| error.to_owned());
        Self {
            id: row.task_id.clone(),
            slot: row.name.rsplit('.').next().unwrap_or_default().to_owned(),
            desired: matches!(row.state.to_ascii_lowercase().as_str(), "running" | "ready" | "accepted"),
            state: TaskState::parse(&row.current_state),
            error,
        }
    }

    /// Whether Swarm finds no node for it, for instance because its port is taken.
    pub fn is_unplaceable(&self) -> bool {
        let told = self.error.as_deref().is_some_and(|error| error.contains("no suitable node"));
        self.desired && self.state == TaskState::Pending && told
    }
}
