//! From look to look: is what was deployed what runs, and does it stay (I7)? Pure; the clock is an argument.

use super::docker::ContainerConfig;
use super::outcome::{Progress, RunFailure};
use super::running::{EnvDifference, Look, Task, TaskState, image_matches};
use super::wait::WaitSettings;
use crate::secrets::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// After so many ended tasks it is a crash loop; fewer may be an app that waits for its database.
const CRASHES: usize = 3;

/// After so many containers that could not be made, another try will not help.
const REJECTIONS: usize = 2;

/// What was deployed.
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

/// What is known after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Look again.
    Wait(Progress),
    /// What was deployed runs, and has stayed through the stability window.
    Proven,
    /// It will not.
    Failed(RunFailure),
}

/// Watches a service after a deployment.
#[derive(Debug, Clone)]
pub struct Watch {
    expected: Expected,
    settings: WaitSettings,
    /// Tasks of this deployment that ended.
    ended: BTreeMap<String, Task>,
    /// The last of them.
    last_ended: Option<Task>,
    condition: Option<(Condition, Duration)>,
}

/// What a look shows, when it is something that has to last to count.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Right(BTreeSet<String>),
    Wrong { tasks: BTreeSet<String>, image: bool, variables: Vec<String> },
    Unplaceable(Option<String>),
    Stopped,
}

impl Watch {
    /// Begins to watch; what is right must stay so for the `stability` of `settings`.
    pub fn new(expected: Expected, settings: &WaitSettings) -> Self {
        Self { expected, settings: settings.clone(), ended: BTreeMap::new(), last_ended: None, condition: None }
    }

    /// Takes a look into account that was made at `now`, a time since any fixed moment.
    pub fn look(&mut self, now: Duration, look: &Look) -> Verdict {
        self.note_ended(look);
        if let Some(failure) = self.given_up_by_swarm() {
            return Verdict::Failed(failure);
        }
        let condition = self.condition(look);
        let since = match self.condition.take() {
            Some((before, since)) if Some(&before) == condition.as_ref() => since,
            _ => now,
        };
        let lasted = now.saturating_sub(since);
        let verdict = self.verdict(condition.as_ref(), lasted);
        self.condition = condition.map(|condition| (condition, since));
        verdict
    }

    /// How long what is right must still stay so; none while it is not.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        match &self.condition {
            Some((Condition::Right(_), since)) => {
                Some(self.settings.stability.saturating_sub(now.saturating_sub(*since)))
            }
            _ => None,
        }
    }

    /// The failure when the time is up.
    pub fn time_is_up(&self) -> RunFailure {
        if let Some(Task { error, .. }) = &self.last_ended {
            return RunFailure::CrashLoop { error: error.clone(), times: self.ended.len() };
        }
        match &self.condition {
            Some((Condition::Unplaceable(error), _)) => RunFailure::Unplaceable { error: error.clone() },
            Some((Condition::Right(_), _)) => RunFailure::NotInTime { last: Progress::Running },
            _ => RunFailure::NotInTime { last: Progress::Starting },
        }
    }

    fn note_ended(&mut self, look: &Look) {
        // Oldest first, so that the last one noted is the newest.
        for task in look.tasks.iter().rev() {
            let new = !self.expected.tasks_before.contains(&task.id) && !self.ended.contains_key(&task.id);
            if new && task.state.has_ended() {
                self.ended.insert(task.id.clone(), task.clone());
                self.last_ended = Some(task.clone());
            }
        }
    }

    fn given_up_by_swarm(&self) -> Option<RunFailure> {
        let error = self.last_ended.as_ref()?.error.clone();
        let rejected = self.ended.values().filter(|task| task.state == TaskState::Rejected).count();
        if rejected >= REJECTIONS {
            return Some(RunFailure::Rejected { error });
        }
        (self.ended.len() >= CRASHES).then_some(RunFailure::CrashLoop { error, times: self.ended.len() })
    }

    fn condition(&self, look: &Look) -> Option<Condition> {
        let current = look.current();
        if current.is_empty() {
            let none_desired = look.replicas.is_some_and(|replicas| replicas.desired == 0);
            return none_desired.then_some(Condition::Stopped);
        }
        if let Some(task) = current.iter().find(|task| task.is_unplaceable()) {
            return Some(Condition::Unplaceable(task.error.clone()));
        }
        let containers: Option<Vec<&ContainerConfig>> = current
            .iter()
            .map(|task| look.containers.get(&task.id).filter(|_| task.state == TaskState::Running))
            .collect();
        let containers = containers?;
        let tasks: BTreeSet<String> = current.iter().map(|task| task.id.clone()).collect();
        let image = containers.iter().any(|container| !image_matches(&self.expected.image, &container.image));
        let variables = self.wrong_variables(&containers);
        // A deployment always makes a new task: where one of before runs, that one has been rolled back to, or is yet to be
        // replaced.
        let is_new = tasks.is_disjoint(&self.expected.tasks_before);
        if !image && variables.is_empty() && is_new {
            return Some(Condition::Right(tasks));
        }
        Some(Condition::Wrong { tasks, image, variables })
    }

    fn wrong_variables(&self, containers: &[&ContainerConfig]) -> Vec<String> {
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

    fn verdict(&self, condition: Option<&Condition>, lasted: Duration) -> Verdict {
        match condition {
            Some(Condition::Right(_)) if lasted >= self.settings.stability => Verdict::Proven,
            Some(Condition::Right(_)) => Verdict::Wait(Progress::Running),
            Some(Condition::Wrong { tasks, image, variables })
                if lasted >= self.settings.settled && self.is_final(tasks) =>
            {
                let error = self.last_ended.as_ref().and_then(|task| task.error.clone());
                Verdict::Failed(RunFailure::RolledBack { image: *image, variables: variables.clone(), error })
            }
            Some(Condition::Unplaceable(error)) if lasted >= self.settings.unplaceable_after => {
                Verdict::Failed(RunFailure::Unplaceable { error: error.clone() })
            }
            Some(Condition::Stopped) if lasted >= self.settings.settled => Verdict::Failed(RunFailure::Stopped),
            _ => Verdict::Wait(Progress::Starting),
        }
    }

    /// Whether wrong tasks will stay. Those of before may just not have been replaced yet, unless a new one has ended.
    fn is_final(&self, tasks: &BTreeSet<String>) -> bool {
        !self.ended.is_empty() || tasks.iter().any(|task| !self.expected.tasks_before.contains(task))
    }
}

#[cfg(test)]
mod tests {
    use super::super::docker::ServiceTask;
    use super::*;
    use crate::dokploy::Replicas;

    const EXIT: &str = "\"task: non-zero exit (1)\"";

    /// A container by its task: the variable `A` tells which environment it has.
    type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

    /// Rows of (task, desired state, current state, error, `image/A`).
    fn look(rows: &[Row]) -> Look {
        let mut look = Look::default();
        for (id, state, current, error, container) in rows {
            look.tasks.push(Task::parse(&ServiceTask {
                task_id: (*id).to_owned(),
                name: "shop-api-lvqtn3.1".to_owned(),
                state: (*state).to_owned(),
                current_state: (*current).to_owned(),
                error: (*error).to_owned(),
            }));
            if let Some((image, value)) = container.split_once('/') {
                let env = BTreeMap::from([("A".to_owned(), Secret::new(value))]);
                look.containers
                    .insert((*id).to_owned(), ContainerConfig { image: image.to_owned(), env, task_id: None });
            }
        }
        look
    }

    fn watch() -> Watch {
        let expected = Expected {
            image: "app@sha256:new".to_owned(),
            env: BTreeMap::from([("A".to_owned(), Secret::new("new"))]),
            former_env: BTreeMap::from([("A".to_owned(), Secret::new("old"))]),
            tasks_before: BTreeSet::from(["old".to_owned()]),
        };
        Watch::new(expected, &WaitSettings::default())
    }

    const OLD: Row = ("old", "running", "Running 1 hour ago", "Error:", "app@sha256:old/old");
    const OLD_STOPPED: Row = ("old", "shutdown", "Shutdown 1 second ago", "Error:", "");
    const NEW: Row = ("new", "running", "Running 1 second ago", "", "app@sha256:new/new");
    const CRASHED: Row = ("new", "shutdown", "Failed 1 second ago", EXIT, "");

    fn play(frames: &[(u64, &[Row])]) -> Verdict {
        let mut watch = watch();
        let mut last = Verdict::Wait(Progress::Starting);
        for (seconds, rows) in frames {
            last = watch.look(Duration::from_secs(*seconds), &look(rows));
            if !matches!(last, Verdict::Wait(_)) {
                break;
            }
        }
        last
    }

    #[test]
    fn i7_what_was_deployed_has_to_stay_through_the_window() {
        let up: &[Row] = &[NEW, OLD_STOPPED];
        assert_eq!(play(&[(0, &[OLD]), (1, up), (15, up)]), Verdict::Wait(Progress::Running));
        assert_eq!(play(&[(0, &[OLD]), (1, up), (16, up)]), Verdict::Proven);
    }

    #[test]
    fn i7_a_crash_within_the_window_starts_it_anew() {
        let again: &[Row] = &[("new2", "running", "Running", "", "app@sha256:new/new"), CRASHED, OLD_STOPPED];
        let crashed: &[Row] = &[("new2", "ready", "Ready", "", ""), CRASHED, OLD_STOPPED];
        let frames: &[(u64, &[Row])] = &[(1, &[NEW, OLD_STOPPED]), (10, crashed), (15, again), (20, again)];
        assert_eq!(play(frames), Verdict::Wait(Progress::Running));
        assert_eq!(play(&[frames, &[(30, again)]].concat()), Verdict::Proven);
    }

    #[test]
    fn i7_a_rollback_of_the_environment_alone_is_found() {
        let back: &[Row] = &[("back", "running", "Running", "", "app@sha256:new/old"), CRASHED, OLD_STOPPED];
        let verdict = play(&[(0, &[OLD]), (1, &[CRASHED, OLD_STOPPED]), (6, back), (8, back)]);
        let variables = vec!["A".to_owned()];
        let error = Some("task: non-zero exit (1)".to_owned());
        assert_eq!(verdict, Verdict::Failed(RunFailure::RolledBack { image: false, variables, error }));
    }

    #[test]
    fn i7_a_rollback_that_left_the_old_task_alone_is_found() {
        let verdict = play(&[(0, &[OLD]), (1, &[CRASHED, OLD]), (4, &[CRASHED, OLD])]);
        assert!(matches!(verdict, Verdict::Failed(RunFailure::RolledBack { image: true, .. })), "{verdict:?}");
    }

    #[test]
    fn i7_a_rollback_is_found_where_image_and_environment_are_as_before() {
        let same: Row = ("old", "running", "Running 1 hour ago", "Error:", "app@sha256:new/new");
        let unhealthy: Row = ("new", "shutdown", "Failed 1 second ago", "\"dockerexec: unhealthy container\"", "");
        let starting: Row = ("new", "running", "Starting 9 seconds ago", "", "");
        let verdict = play(&[(0, &[same]), (1, &[starting, same]), (30, &[unhealthy, same]), (33, &[unhealthy, same])]);
        let error = Some("dockerexec: unhealthy container".to_owned());
        assert_eq!(verdict, Verdict::Failed(RunFailure::RolledBack { image: false, variables: Vec::new(), error }));
        assert_eq!(play(&[(0, &[same]), (60, &[same])]), Verdict::Wait(Progress::Starting), "it is yet to be replaced");
    }

    #[test]
    fn the_old_task_is_waited_out_while_nothing_has_ended() {
        assert_eq!(play(&[(0, &[OLD]), (60, &[OLD])]), Verdict::Wait(Progress::Starting));
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
        assert_eq!(play(frames), Verdict::Failed(RunFailure::CrashLoop { error, times: 3 }));
        assert!(matches!(play(&frames[..4]), Verdict::Wait(_)));
    }

    #[test]
    fn rejected_unplaceable_and_stopped_are_told_apart() {
        let rejected: &[Row] = &[
            ("c", "ready", "Ready", "", ""),
            ("b", "shutdown", "Rejected", "\"No such image\"", ""),
            ("a", "shutdown", "Rejected", "\"No such image\"", ""),
        ];
        let error = Some("No such image".to_owned());
        assert_eq!(play(&[(0, rejected)]), Verdict::Failed(RunFailure::Rejected { error }));
        let full: &[Row] = &[("a", "running", "Pending", "\"no suitable node (x)\"", "")];
        assert!(matches!(play(&[(0, full), (9, full)]), Verdict::Wait(_)));
        assert!(matches!(play(&[(0, full), (10, full)]), Verdict::Failed(RunFailure::Unplaceable { .. })));
        let mut stopped = look(&[OLD_STOPPED]);
        stopped.replicas = Some(Replicas { running: 0, desired: 0 });
        let mut watch = watch();
        assert!(matches!(watch.look(Duration::ZERO, &stopped), Verdict::Wait(_)));
        assert_eq!(watch.look(Duration::from_secs(2), &stopped), Verdict::Failed(RunFailure::Stopped));
    }

    #[test]
    fn a_variable_that_the_image_sets_itself_is_no_rollback() {
        let mut watch = watch();
        watch.expected.former_env.insert("NODE_ENV".to_owned(), Secret::new("production"));
        let mut up = look(&[NEW]);
        for config in up.containers.values_mut() {
            config.env.insert("NODE_ENV".to_owned(), Secret::new("production"));
        }
        assert_eq!(watch.look(Duration::ZERO, &up), Verdict::Wait(Progress::Running));
        assert_eq!(watch.left(Duration::from_secs(9)), Some(Duration::from_secs(6)));
        assert_eq!(watch.look(Duration::from_secs(15), &up), Verdict::Proven);
    }
}
