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
    pub wanted: bool,
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
            wanted: matches!(row.state.to_ascii_lowercase().as_str(), "running" | "ready" | "accepted"),
            state: TaskState::parse(&row.current_state),
            error,
        }
    }

    /// Whether Swarm finds no node for it, for instance because its port is taken.
    pub fn is_unplaceable(&self) -> bool {
        let told = self.error.as_deref().is_some_and(|error| error.contains("no suitable node"));
        self.wanted && self.state == TaskState::Pending && told
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
        for task in self.tasks.iter().filter(|task| task.wanted) {
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
        TaskState::Complete if !task.wanted && error.is_none() => Observation::Stopped,
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
mod tests {
    use super::*;

    fn tasks(rows: &[(&str, &str, &str)]) -> Vec<Task> {
        let row = |(number, (state, current, error)): (usize, &(&str, &str, &str))| ServiceTask {
            task_id: format!("task{}", rows.len() - number),
            name: "shop-api-lvqtn3.1".to_owned(),
            state: (*state).to_owned(),
            current_state: (*current).to_owned(),
            error: (*error).to_owned(),
        };
        rows.iter().enumerate().map(row).map(|row| Task::parse(&row)).collect()
    }

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    fn seen(rows: &[(&str, &str, &str)]) -> Observation {
        let tasks = tasks(rows);
        let config = ContainerConfig { image: "app:1".to_owned(), env: env(&[("A", "1")]), task_id: None };
        let running = tasks.iter().filter(|task| task.state == TaskState::Running);
        let containers = running.map(|task| (task.id.clone(), config.clone())).collect();
        classify(&Look { tasks, containers, replicas: None })
    }

    const EXIT: &str = "\"task: non-zero exit (1)\"";

    #[test]
    fn the_oldest_rows_error_is_none() {
        let task = &tasks(&[("running", "Running about a minute ago", "Error:")])[0];
        assert_eq!((task.state, task.wanted, task.error.as_deref()), (TaskState::Running, true, None));
        let task = &tasks(&[("shutdown", "Failed 34 seconds ago", EXIT)])[0];
        assert_eq!((task.state, task.wanted), (TaskState::Failed, false));
        assert_eq!(task.error.as_deref(), Some("task: non-zero exit (1)"));
    }

    #[test]
    fn i7_the_desired_state_running_does_not_mean_that_it_runs() {
        for state in ["Pending", "Assigned", "Preparing", "Starting 1 second ago"] {
            assert_eq!(seen(&[("running", state, "Error:")]), Observation::Starting, "{state}");
        }
    }

    #[test]
    fn i7_a_task_whose_container_was_not_seen_is_not_running() {
        let tasks = tasks(&[("running", "Running 8 seconds ago", "")]);
        assert_eq!(classify(&Look { tasks, ..Look::default() }), Observation::Starting);
    }

    #[test]
    fn the_newest_task_of_a_slot_counts() {
        let running = [("running", "Running 5 seconds ago", ""), ("shutdown", "Failed 1 minute ago", EXIT)];
        assert!(matches!(seen(&running), Observation::Running { .. }));
        let next = [("running", "Starting", ""), ("running", "Running 1 minute ago", "")];
        assert_eq!(seen(&next), Observation::Starting);
    }

    #[test]
    fn a_crash_shows_between_two_tasks() {
        let crash = Observation::CrashLooping { error: Some("task: non-zero exit (1)".to_owned()) };
        assert_eq!(seen(&[("ready", "Ready", ""), ("shutdown", "Failed", EXIT)]), crash);
        assert_eq!(
            seen(&[("running", "Starting", ""), ("shutdown", "Failed", EXIT), ("shutdown", "Shutdown", "")]),
            crash
        );
        assert_eq!(seen(&[("shutdown", "Failed", EXIT)]), crash);
        let replaced = [("running", "Starting", ""), ("shutdown", "Shutdown", ""), ("shutdown", "Failed", EXIT)];
        assert_eq!(seen(&replaced), Observation::Starting);
    }

    #[test]
    fn a_container_that_cannot_be_made_and_a_task_that_fits_nowhere_are_told_apart() {
        let no_image = [("ready", "Ready", ""), ("shutdown", "Rejected", "\"No such image: x\"")];
        assert_eq!(seen(&no_image), Observation::Rejected { error: Some("No such image: x".to_owned()) });
        let full = [("running", "Pending 9 seconds ago", "\"no suitable node (host-mode port already in use)\"")];
        let reason = Some("no suitable node (host-mode port already in use)".to_owned());
        assert_eq!(seen(&full), Observation::Pending { reason });
    }

    #[test]
    fn a_stopped_service_and_one_that_is_not_there_have_nothing_to_run() {
        assert_eq!(seen(&[]), Observation::Stopped);
        assert_eq!(seen(&[("shutdown", "Shutdown 1 minute ago", "")]), Observation::Stopped);
        assert_eq!(seen(&[("shutdown", "Complete 1 minute ago", "")]), Observation::Stopped);
        let tasks = tasks(&[("shutdown", "Failed", EXIT)]);
        let replicas = Some(Replicas { running: 0, desired: 0 });
        assert_eq!(classify(&Look { tasks, replicas, ..Look::default() }), Observation::Stopped);
    }

    #[test]
    fn i7_images_match_by_digest() {
        let one = "registry.test/shop-api@sha256:aaa";
        assert!(image_matches(one, one));
        assert!(image_matches(one, "registry.test/shop-api:1@sha256:aaa"));
        assert!(!image_matches(one, "registry.test/shop-api@sha256:bbb"));
        assert!(!image_matches(one, "registry.test/shop-api:1"));
        assert!(image_matches("shop-api:1", "shop-api:1@sha256:aaa"));
        assert!(!image_matches("shop-api:1", "shop-api:2@sha256:aaa"));
    }

    #[test]
    fn i6_i7_variables_are_compared_and_only_names_are_told() {
        let expected = env(&[("A", "canary-1"), ("B", "canary-2"), ("C", "canary-3")]);
        let former = env(&[("B", "canary-0"), ("GONE", "canary-4"), ("OTHER", "canary-5")]);
        let actual = env(&[("A", "canary-1"), ("B", "canary-0"), ("GONE", "canary-4"), ("PATH", "/bin")]);
        let difference = EnvDifference::between(&expected, &former, &actual);
        assert_eq!(difference.names(), ["C", "B", "GONE"]);
        assert!(!difference.has_all_meant());
        assert!(!format!("{difference:?} {actual:?}").contains("canary"));
        assert_eq!(EnvDifference::between(&expected, &BTreeMap::new(), &expected), EnvDifference::default());
    }
}
