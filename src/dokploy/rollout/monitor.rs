//! Judges a rollout from one snapshot to the next: does what was deployed run, and does it stay (I7)?
//!
//! It does no I/O, and takes the time as an argument.

use super::comparison::{EnvDifference, image_matches};
use super::polling::WaitSettings;
use super::progress::{Progress, RolloutFailure};
use super::snapshot::ServiceSnapshot;
use super::task::{Task, TaskState};
use crate::dokploy::api::ContainerConfig;
use crate::secrets::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// This many ended tasks are a crash loop; fewer may be an app that waits for its database.
const CRASHES: usize = 3;

/// When this many containers could not be created, another attempt will not help.
const REJECTIONS: usize = 2;

/// What was deployed, and is expected to run.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The image: pinned as `name@sha256:…`, or a name where no digest is known.
    pub image: String,
    /// The variables.
    pub env: BTreeMap<String, Secret>,
    /// The variables of the deployment before, as far as they are known.
    pub former_env: BTreeMap<String, Secret>,
    /// The ids of the tasks that were there before the deployment.
    pub tasks_before: BTreeSet<String>,
}

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutStatus {
    /// It is not finished: take another snapshot.
    InProgress(Progress),
    /// What was deployed runs, and has stayed through the stability window.
    Verified,
    /// What was deployed will not run.
    Failed(RolloutFailure),
}

/// Follows a service after a deployment until its rollout is verified or has failed.
#[derive(Debug, Clone)]
pub struct RolloutMonitor {
    expected: Expected,
    settings: WaitSettings,
    /// Tasks of this deployment that ended.
    ended: BTreeMap<String, Task>,
    /// The last of them.
    last_ended: Option<Task>,
    condition: Option<(Condition, Duration)>,
    /// Since when nothing has run but the present tasks, as far as that was seen.
    alone_since: Option<Duration>,
}

/// What a snapshot shows, when it has to last in order to count.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// The image and the variables are those that were deployed, in these tasks.
    AsDeployed(BTreeSet<String>),
    /// Something else runs.
    Different { tasks: BTreeSet<String>, image: bool, variables: Vec<String> },
    /// Swarm finds no node for a task, for this reason.
    Unplaceable(Option<String>),
    /// The service is scaled to no task.
    Stopped,
}

impl RolloutMonitor {
    /// Begins with a service that was just deployed; what runs must stay as deployed for the `stability` of `settings`.
    pub fn new(expected: Expected, settings: &WaitSettings) -> Self {
        Self {
            expected,
            settings: settings.clone(),
            ended: BTreeMap::new(),
            last_ended: None,
            condition: None,
            alone_since: None,
        }
    }

    /// Takes a snapshot into account that was taken at `now`, a time since any fixed moment.
    pub fn observe(&mut self, now: Duration, snapshot: &ServiceSnapshot) -> RolloutStatus {
        self.record_ended(snapshot);
        if let Some(failure) = self.repeated_failure() {
            return RolloutStatus::Failed(failure);
        }
        let condition = self.condition(snapshot);
        let (since, alone_since) = match self.condition.take() {
            Some((before, since)) if Some(&before) == condition.as_ref() => (since, self.alone_since),
            _ => (now, None),
        };
        self.alone_since = snapshot.is_drained().then(|| alone_since.unwrap_or(now));
        let lasted = now.saturating_sub(since);
        let status = self.status(condition.as_ref(), lasted);
        self.condition = condition.map(|condition| (condition, since));
        status
    }

    /// Since when nothing has run but the present tasks, a time as [`Self::observe`] takes it; `None` while what they replace
    /// still runs beside them.
    pub fn alone_since(&self) -> Option<Duration> {
        self.alone_since
    }

    /// How much of the stability window is left; `None` while something else runs than what was deployed.
    pub fn remaining_stability(&self, now: Duration) -> Option<Duration> {
        match &self.condition {
            Some((Condition::AsDeployed(_), since)) => {
                Some(self.settings.stability.saturating_sub(now.saturating_sub(*since)))
            }
            _ => None,
        }
    }

    /// The failure of a rollout that has reached its deadline.
    pub fn timeout_failure(&self) -> RolloutFailure {
        if let Some(Task { error, .. }) = &self.last_ended {
            return RolloutFailure::CrashLoop { error: error.clone(), times: self.ended.len() };
        }
        match &self.condition {
            Some((Condition::Unplaceable(error), _)) => RolloutFailure::Unplaceable { error: error.clone() },
            Some((Condition::AsDeployed(_), _)) => RolloutFailure::TimedOut { last: Progress::Running },
            _ => RolloutFailure::TimedOut { last: Progress::Starting },
        }
    }

    fn record_ended(&mut self, snapshot: &ServiceSnapshot) {
        // Oldest first, so that the one recorded last is the newest.
        for task in snapshot.tasks.iter().rev() {
            let new = !self.expected.tasks_before.contains(&task.id) && !self.ended.contains_key(&task.id);
            if new && task.state.has_ended() {
                self.ended.insert(task.id.clone(), task.clone());
                self.last_ended = Some(task.clone());
            }
        }
    }

    fn repeated_failure(&self) -> Option<RolloutFailure> {
        let error = self.last_ended.as_ref()?.error.clone();
        let rejected = self.ended.values().filter(|task| task.state == TaskState::Rejected).count();
        if rejected >= REJECTIONS {
            return Some(RolloutFailure::Rejected { error });
        }
        (self.ended.len() >= CRASHES).then_some(RolloutFailure::CrashLoop { error, times: self.ended.len() })
    }

    fn condition(&self, snapshot: &ServiceSnapshot) -> Option<Condition> {
        let current = snapshot.current();
        if current.is_empty() {
            let none_desired = snapshot.replicas.is_some_and(|replicas| replicas.desired == 0);
            return none_desired.then_some(Condition::Stopped);
        }
        if let Some(task) = current.iter().find(|task| task.is_unplaceable()) {
            return Some(Condition::Unplaceable(task.error.clone()));
        }
        let containers: Option<Vec<&ContainerConfig>> = current
            .iter()
            .map(|task| snapshot.containers.get(&task.id).filter(|_| task.state == TaskState::Running))
            .collect();
        let containers = containers?;
        let tasks: BTreeSet<String> = current.iter().map(|task| task.id.clone()).collect();
        let image = containers.iter().any(|container| !image_matches(&self.expected.image, &container.image));
        let variables = self.differing_variables(&containers);
        // A deployment always makes a new task: where one of before runs, that one has been rolled back to, or is yet to be
        // replaced.
        let is_new = tasks.is_disjoint(&self.expected.tasks_before);
        if !image && variables.is_empty() && is_new {
            return Some(Condition::AsDeployed(tasks));
        }
        Some(Condition::Different { tasks, image, variables })
    }

    fn differing_variables(&self, containers: &[&ContainerConfig]) -> Vec<String> {
        let mut names = BTreeSet::new();
        for container in containers {
            let Expected { env, former_env, .. } = &self.expected;
            let mut difference = EnvDifference::between(env, former_env, &container.env);
            if self.ended.is_empty() {
                // Without a task that ended there was no rollback: the image sets these itself.
                difference.lingering.clear();
            }
            names.extend(difference.names());
        }
        names.into_iter().collect()
    }

    fn status(&self, condition: Option<&Condition>, lasted: Duration) -> RolloutStatus {
        match condition {
            Some(Condition::AsDeployed(_)) if lasted >= self.settings.stability => RolloutStatus::Verified,
            Some(Condition::AsDeployed(_)) => RolloutStatus::InProgress(Progress::Running),
            Some(Condition::Different { tasks, image, variables })
                if lasted >= self.settings.settled && self.is_final(tasks) =>
            {
                let error = self.last_ended.as_ref().and_then(|task| task.error.clone());
                RolloutStatus::Failed(RolloutFailure::RolledBack { image: *image, variables: variables.clone(), error })
            }
            Some(Condition::Unplaceable(error)) if lasted >= self.settings.unplaceable_after => {
                RolloutStatus::Failed(RolloutFailure::Unplaceable { error: error.clone() })
            }
            Some(Condition::Stopped) if lasted >= self.settings.settled => {
                RolloutStatus::Failed(RolloutFailure::Stopped)
            }
            _ => RolloutStatus::InProgress(Progress::Starting),
        }
    }

    /// Whether these tasks, which differ from what was deployed, will stay. Those from before may not have been replaced yet,
    /// unless a new one has ended.
    fn is_final(&self, tasks: &BTreeSet<String>) -> bool {
        !self.ended.is_empty() || tasks.iter().any(|task| !self.expected.tasks_before.contains(task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dokploy::api::{Replicas, ServiceTask};

    const EXIT: &str = "\"task: non-zero exit (1)\"";

    /// A container by its task: the variable `A` tells which environment it has.
    type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

    /// Rows of (task, desired state, current state, error, `image/A`).
    fn snapshot(rows: &[Row]) -> ServiceSnapshot {
        let mut snapshot = ServiceSnapshot::default();
        for (id, state, current, error, container) in rows {
            snapshot.tasks.push(Task::parse(&ServiceTask {
                task_id: (*id).to_owned(),
                name: "shop-api-lvqtn3.1".to_owned(),
                state: (*state).to_owned(),
                current_state: (*current).to_owned(),
                error: (*error).to_owned(),
            }));
            if let Some((image, value)) = container.split_once('/') {
                let env = BTreeMap::from([("A".to_owned(), Secret::new(value))]);
                snapshot
                    .containers
                    .insert((*id).to_owned(), ContainerConfig { image: image.to_owned(), env, task_id: None });
            }
        }
        snapshot
    }

    fn monitor() -> RolloutMonitor {
        let expected = Expected {
            image: "app@sha256:new".to_owned(),
            env: BTreeMap::from([("A".to_owned(), Secret::new("new"))]),
            former_env: BTreeMap::from([("A".to_owned(), Secret::new("old"))]),
            tasks_before: BTreeSet::from(["old".to_owned()]),
        };
        RolloutMonitor::new(expected, &WaitSettings::default())
    }

    const OLD: Row = ("old", "running", "Running 1 hour ago", "Error:", "app@sha256:old/old");
    const OLD_STOPPED: Row = ("old", "shutdown", "Shutdown 1 second ago", "Error:", "");
    const NEW: Row = ("new", "running", "Running 1 second ago", "", "app@sha256:new/new");
    const CRASHED: Row = ("new", "shutdown", "Failed 1 second ago", EXIT, "");

    fn play(frames: &[(u64, &[Row])]) -> RolloutStatus {
        let mut monitor = monitor();
        let mut last = RolloutStatus::InProgress(Progress::Starting);
        for (seconds, rows) in frames {
            last = monitor.observe(Duration::from_secs(*seconds), &snapshot(rows));
            if !matches!(last, RolloutStatus::InProgress(_)) {
                break;
            }
        }
        last
    }

    #[test]
    fn i7_what_was_deployed_has_to_stay_through_the_window() {
        let up: &[Row] = &[NEW, OLD_STOPPED];
        assert_eq!(play(&[(0, &[OLD]), (1, up), (15, up)]), RolloutStatus::InProgress(Progress::Running));
        assert_eq!(play(&[(0, &[OLD]), (1, up), (16, up)]), RolloutStatus::Verified);
    }

    #[test]
    fn i7_a_crash_within_the_window_starts_it_anew() {
        let again: &[Row] = &[("new2", "running", "Running", "", "app@sha256:new/new"), CRASHED, OLD_STOPPED];
        let crashed: &[Row] = &[("new2", "ready", "Ready", "", ""), CRASHED, OLD_STOPPED];
        let frames: &[(u64, &[Row])] = &[(1, &[NEW, OLD_STOPPED]), (10, crashed), (15, again), (20, again)];
        assert_eq!(play(frames), RolloutStatus::InProgress(Progress::Running));
        assert_eq!(play(&[frames, &[(30, again)]].concat()), RolloutStatus::Verified);
    }

    #[test]
    fn i7_a_rollback_of_the_environment_alone_is_found() {
        let back: &[Row] = &[("back", "running", "Running", "", "app@sha256:new/old"), CRASHED, OLD_STOPPED];
        let status = play(&[(0, &[OLD]), (1, &[CRASHED, OLD_STOPPED]), (6, back), (8, back)]);
        let variables = vec!["A".to_owned()];
        let error = Some("task: non-zero exit (1)".to_owned());
        assert_eq!(status, RolloutStatus::Failed(RolloutFailure::RolledBack { image: false, variables, error }));
    }

    #[test]
    fn i7_a_rollback_that_left_the_old_task_alone_is_found() {
        let status = play(&[(0, &[OLD]), (1, &[CRASHED, OLD]), (4, &[CRASHED, OLD])]);
        assert!(matches!(status, RolloutStatus::Failed(RolloutFailure::RolledBack { image: true, .. })), "{status:?}");
    }

    #[test]
    fn i7_a_rollback_is_found_where_image_and_environment_are_as_before() {
        let same: Row = ("old", "running", "Running 1 hour ago", "Error:", "app@sha256:new/new");
        let unhealthy: Row = ("new", "shutdown", "Failed 1 second ago", "\"dockerexec: unhealthy container\"", "");
        let starting: Row = ("new", "running", "Starting 9 seconds ago", "", "");
        let status = play(&[(0, &[same]), (1, &[starting, same]), (30, &[unhealthy, same]), (33, &[unhealthy, same])]);
        let error = Some("dockerexec: unhealthy container".to_owned());
        let rolled_back = RolloutFailure::RolledBack { image: false, variables: Vec::new(), error };
        assert_eq!(status, RolloutStatus::Failed(rolled_back));
        let waits = RolloutStatus::InProgress(Progress::Starting);
        assert_eq!(play(&[(0, &[same]), (60, &[same])]), waits, "it is yet to be replaced");
    }

    #[test]
    fn the_old_task_is_waited_out_while_nothing_has_ended() {
        assert_eq!(play(&[(0, &[OLD]), (60, &[OLD])]), RolloutStatus::InProgress(Progress::Starting));
    }

    #[test]
    fn i7_a_crash_loop_is_found_though_it_flickers_through_running() {
        let frames: &[(u64, &[Row])] = &[
            (1, &[("a", "running", "Running", "", "app@sha256:new/new")]),
            (2, &[("b", "ready", "Ready", "", ""), ("a", "shutdown", "Failed", EXIT, "")]),
            (8, &[("b", "running", "Running", "", "app@sha256:new/new"), ("a", "shutdown", "Failed", EXIT, "")]),
            (9, &[("c", "ready", "Ready", "", ""), ("b", "shutdown", "Failed", EXIT, "")]),
            (15, &[("d", "ready", "Ready", "", ""), ("c", "shutdown", "Failed", EXIT, "")]),
        ];
        let error = Some("task: non-zero exit (1)".to_owned());
        assert_eq!(play(frames), RolloutStatus::Failed(RolloutFailure::CrashLoop { error, times: 3 }));
        assert!(matches!(play(&frames[..4]), RolloutStatus::InProgress(_)));
    }

    #[test]
    fn rejected_unplaceable_and_stopped_are_told_apart() {
        let rejected: &[Row] = &[
            ("c", "ready", "Ready", "", ""),
            ("b", "shutdown", "Rejected", "\"No such image\"", ""),
            ("a", "shutdown", "Rejected", "\"No such image\"", ""),
        ];
        let error = Some("No such image".to_owned());
        assert_eq!(play(&[(0, rejected)]), RolloutStatus::Failed(RolloutFailure::Rejected { error }));
        let full: &[Row] = &[("a", "running", "Pending", "\"no suitable node (x)\"", "")];
        assert!(matches!(play(&[(0, full), (9, full)]), RolloutStatus::InProgress(_)));
        assert!(matches!(play(&[(0, full), (10, full)]), RolloutStatus::Failed(RolloutFailure::Unplaceable { .. })));
        let mut stopped = snapshot(&[OLD_STOPPED]);
        stopped.replicas = Some(Replicas { running: 0, desired: 0 });
        let mut monitor = monitor();
        assert!(matches!(monitor.observe(Duration::ZERO, &stopped), RolloutStatus::InProgress(_)));
        assert_eq!(monitor.observe(Duration::from_secs(2), &stopped), RolloutStatus::Failed(RolloutFailure::Stopped));
    }

    #[test]
    fn a_variable_that_the_image_sets_itself_is_no_rollback() {
        let mut monitor = monitor();
        monitor.expected.former_env.insert("NODE_ENV".to_owned(), Secret::new("production"));
        let mut up = snapshot(&[NEW]);
        for config in up.containers.values_mut() {
            config.env.insert("NODE_ENV".to_owned(), Secret::new("production"));
        }
        assert_eq!(monitor.observe(Duration::ZERO, &up), RolloutStatus::InProgress(Progress::Running));
        assert_eq!(monitor.remaining_stability(Duration::from_secs(9)), Some(Duration::from_secs(6)));
        assert_eq!(monitor.observe(Duration::from_secs(15), &up), RolloutStatus::Verified);
    }
}
