//! What really runs: pure functions over tasks and containers (I7).
//!
//! Dokploy's own status proves nothing: it says `done` when Swarm has taken the order, also while the app crashes and
//! after Swarm has rolled it back. The tasks tell more, and a container's own image and variables tell the truth.

use super::docker::{ContainerConfig, ServiceTask};
use super::swarm::Replicas;
use crate::secrets::Secret;
use std::collections::BTreeMap;

/// A task of a Swarm service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The slot it fills, for instance `1`; a later task of the same slot takes its place.
    pub slot: String,
    /// Whether Swarm wants it to run, now or after a pause.
    pub desired: bool,
    /// Where it is.
    pub state: TaskState,
    /// Why it is there.
    pub error: Option<String>,
}

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// No node has been found for it yet.
    Pending,
    /// It is on its way: assigned, preparing, ready, starting.
    Starting,
    /// Its container runs.
    Running,
    /// Its container ended well.
    Complete,
    /// It was stopped, because another one took its place or the service was stopped.
    Stopped,
    /// Its container ended badly.
    Failed,
    /// Its container could not be made.
    Rejected,
}

impl TaskState {
    /// Reads `Running 8 seconds ago`; a word that Swarm does not use is taken for a state on the way.
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

    /// Whether the container ended by itself, or could not be made.
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

/// One look at a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Its tasks: by slot, newest first.
    pub tasks: Vec<Task>,
    /// What the containers of its running tasks were started with, by task id.
    pub containers: BTreeMap<String, ContainerConfig>,
    /// How many tasks it has and is to have, when that was asked for.
    pub replicas: Option<Replicas>,
}

impl Look {
    /// The task of each slot that Swarm wants to run; the newest, where an older one still runs beside it.
    pub fn current(&self) -> Vec<&Task> {
        let mut current: Vec<&Task> = Vec::new();
        for task in self.tasks.iter().filter(|task| task.desired) {
            if current.iter().all(|earlier| earlier.slot != task.slot) {
                current.push(task);
            }
        }
        current
    }

    /// Whether nothing runs, or may yet run, beside the current tasks: those that they replaced have ended.
    pub fn is_drained(&self) -> bool {
        let current: Vec<&str> = self.current().iter().map(|task| task.id.as_str()).collect();
        let alive = |state| matches!(state, TaskState::Pending | TaskState::Starting | TaskState::Running);
        self.tasks.iter().all(|task| current.contains(&task.id.as_str()) || !alive(task.state))
    }

    /// What ended last in the slot of `task`, before it.
    fn ended_before(&self, task: &Task) -> Option<&Task> {
        let older = self.tasks.iter().skip_while(|other| other.id != task.id).skip(1);
        let mut older = older.filter(|other| other.slot == task.slot);
        // One that has not run says nothing; one that runs still, or ran until it was stopped, did not crash.
        let ran = older.find(|other| !matches!(other.state, TaskState::Starting | TaskState::Pending));
        ran.filter(|other| other.state.has_ended())
    }
}

/// What a single look tells. That something runs at one moment does not prove that it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Tasks are on their way.
    Starting,
    /// Every wanted task's container runs, with the same image and variables.
    Running {
        /// The image, as the service names it.
        image: String,
        /// The variables, those of the image included.
        env: BTreeMap<String, Secret>,
        /// Whether a task before one of them ended by itself.
        after_crash: bool,
    },
    /// The last task ended, and the next is not up yet.
    CrashLooping {
        /// Why it ended, for instance `task: non-zero exit (1)`.
        error: Option<String>,
    },
    /// The last task's container could not be made.
    Rejected {
        /// Why.
        error: Option<String>,
    },
    /// Swarm finds no node for a task.
    Pending {
        /// Why, for instance `no suitable node (host-mode port already in use on 1 node)`.
        reason: Option<String>,
    },
    /// Nothing is to run.
    Stopped,
}

/// Sums a look up.
pub fn classify(look: &Look) -> Observation {
    let current = look.current();
    if current.is_empty() {
        let stopped = look.replicas.is_some_and(|replicas| replicas.desired == 0);
        return match look.tasks.first() {
            Some(task) if !stopped && task.state.has_ended() => ended(task),
            _ => Observation::Stopped,
        };
    }
    if let Some(task) = current.iter().find(|task| task.is_unplaceable()) {
        return Observation::Pending { reason: task.error.clone() };
    }
    if let Some(task) = current.iter().find(|task| task.state != TaskState::Running) {
        return look.ended_before(task).map_or(Observation::Starting, ended);
    }
    let mut containers = current.iter().map(|task| look.containers.get(&task.id));
    match containers.next().flatten() {
        Some(first) if containers.all(|other| other.is_some_and(|other| same(first, other))) => {
            let after_crash = current.iter().any(|task| look.ended_before(task).is_some());
            Observation::Running { image: first.image.clone(), env: first.env.clone(), after_crash }
        }
        _ => Observation::Starting,
    }
}

fn same(one: &ContainerConfig, other: &ContainerConfig) -> bool {
    one.image == other.image && one.env == other.env
}

fn ended(task: &Task) -> Observation {
    let error = task.error.clone();
    match task.state {
        TaskState::Rejected => Observation::Rejected { error },
        TaskState::Complete if !task.desired && error.is_none() => Observation::Stopped,
        _ => Observation::CrashLooping { error },
    }
}

/// Whether what runs is the image that was meant: by digest where the meant one has one, else by name.
pub fn image_matches(expected: &str, actual: &str) -> bool {
    let digest = |image: &str| image.split_once('@').map(|(_, digest)| digest.to_owned());
    match digest(expected) {
        Some(expected) => digest(actual).is_some_and(|actual| actual == expected),
        // Swarm may have added the digest that it found.
        None => actual.split('@').next() == Some(expected),
    }
}

/// The variables in which what runs differs from what was meant; names only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvDifference {
    /// Meant, but not there.
    pub missing: Vec<String>,
    /// There with another value.
    pub different: Vec<String>,
    /// Not meant any more, but there with the value of before. An image of its own may set it so as well.
    pub lingering: Vec<String>,
}

impl EnvDifference {
    /// Compares the variables that run with those that were meant, and with those of the deployment before.
    pub fn between(
        expected: &BTreeMap<String, Secret>,
        former: &BTreeMap<String, Secret>,
        actual: &BTreeMap<String, Secret>,
    ) -> Self {
        let mut difference = Self::default();
        for (name, value) in expected {
            match actual.get(name) {
                None => difference.missing.push(name.clone()),
                Some(other) if other != value => difference.different.push(name.clone()),
                Some(_) => {}
            }
        }
        let gone = former.iter().filter(|(name, _)| !expected.contains_key(*name));
        let lingering = gone.filter(|(name, value)| actual.get(*name) == Some(*value));
        difference.lingering = lingering.map(|(name, _)| name.clone()).collect();
        difference
    }

    /// Whether every variable that was meant is there with its value.
    pub fn has_all_meant(&self) -> bool {
        self.missing.is_empty() && self.different.is_empty()
    }

    /// The names, without repetition: missing, different, lingering.
    pub fn names(&self) -> Vec<String> {
        [&self.missing, &self.different, &self.lingering].into_iter().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
