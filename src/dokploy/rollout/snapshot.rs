//! What really runs, judged by tasks and containers (I7). It does no I/O.
//!
//! Dokploy's own status proves nothing: it says `done` when Swarm has taken the order, also while the app crashes and
//! after Swarm has rolled it back. The tasks tell more, and a container's own image and variables tell the truth.

use super::task::{Task, TaskState};
use crate::dokploy::api::{ContainerConfig, Replicas};
use crate::secrets::Secret;
use std::collections::BTreeMap;

/// The tasks and containers of a service at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceSnapshot {
    /// Its tasks: by slot, newest first.
    pub tasks: Vec<Task>,
    /// What the containers of its running tasks were started with, by task id.
    pub containers: BTreeMap<String, ContainerConfig>,
    /// How many tasks run and how many should, where that was read.
    pub replicas: Option<Replicas>,
}

impl ServiceSnapshot {
    /// The task of each slot whose desired state is running; the newest, where an older one still runs beside it.
    pub fn current(&self) -> Vec<&Task> {
        let mut current: Vec<&Task> = Vec::new();
        for task in self.tasks.iter().filter(|task| task.desired) {
            if current.iter().all(|earlier| earlier.slot != task.slot) {
                current.push(task);
            }
        }
        current
    }

    /// Whether the service is drained: nothing runs, or may yet run, beside the current tasks.
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

/// What a single snapshot tells. That something runs at one moment does not prove that it stays.
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

/// Tells what a snapshot shows.
pub fn classify(snapshot: &ServiceSnapshot) -> Observation {
    let current = snapshot.current();
    if current.is_empty() {
        let stopped = snapshot.replicas.is_some_and(|replicas| replicas.desired == 0);
        return match snapshot.tasks.first() {
            Some(task) if !stopped && task.state.has_ended() => ended(task),
            _ => Observation::Stopped,
        };
    }
    if let Some(task) = current.iter().find(|task| task.is_unplaceable()) {
        return Observation::Pending { reason: task.error.clone() };
    }
    if let Some(task) = current.iter().find(|task| task.state != TaskState::Running) {
        return snapshot.ended_before(task).map_or(Observation::Starting, ended);
    }
    let mut containers = current.iter().map(|task| snapshot.containers.get(&task.id));
    match containers.next().flatten() {
        Some(first) if containers.all(|other| other.is_some_and(|other| same(first, other))) => {
            let after_crash = current.iter().any(|task| snapshot.ended_before(task).is_some());
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

#[cfg(test)]
mod tests;
