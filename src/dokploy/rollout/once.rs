//! What became of a service that runs once: pure, over its tasks.

use super::task::{Task, TaskState};

/// Where a service is whose command runs once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// It has no task yet.
    NotBegun,
    /// Its container is on its way, or runs.
    UnderWay {
        /// Whether it runs.
        runs: bool,
        /// Why no node is found for it, if none is.
        unplaceable: Option<String>,
    },
    /// It ended with status 0.
    Succeeded,
    /// It ended otherwise, was stopped, or could not be started.
    Failed {
        /// What Swarm says of it, for instance `task: non-zero exit (1)`.
        error: Option<String>,
    },
}

impl Once {
    /// Reads the tasks of a service. Several are those of several deployments: one that is still under way counts first,
    /// and then one that failed, since what it left undone is not known.
    pub fn of(tasks: &[Task]) -> Self {
        if let Some(task) = tasks.iter().find(|task| matches!(task.state, TaskState::Pending | TaskState::Starting)) {
            let unplaceable = if task.is_unplaceable() { task.error.clone() } else { None };
            return Self::UnderWay { runs: false, unplaceable };
        }
        if tasks.iter().any(|task| task.state == TaskState::Running) {
            return Self::UnderWay { runs: true, unplaceable: None };
        }
        match tasks.iter().find(|task| task.state != TaskState::Complete) {
            Some(task) => Self::Failed { error: task.error.clone() },
            None if tasks.is_empty() => Self::NotBegun,
            None => Self::Succeeded,
        }
    }

    /// Whether it has ended.
    pub const fn has_ended(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed { .. })
    }
}

/// The status in what Swarm says of a task that ended: `task: non-zero exit (3)`.
pub fn exit_status(error: &str) -> Option<i64> {
    let (_, rest) = error.split_once("non-zero exit (")?;
    rest.split_once(')')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dokploy::ServiceTask;

    fn once(rows: &[(&str, &str, &str)]) -> Once {
        let tasks: Vec<Task> = rows
            .iter()
            .enumerate()
            .map(|(number, (desired, current, error))| {
                Task::parse(&ServiceTask {
                    task_id: format!("task{number}"),
                    name: "release-api-lvqtn3.1".to_owned(),
                    state: (*desired).to_owned(),
                    current_state: (*current).to_owned(),
                    error: (*error).to_owned(),
                })
            })
            .collect();
        Once::of(&tasks)
    }

    #[test]
    fn how_it_ended_is_read_from_the_task() {
        assert_eq!(once(&[]), Once::NotBegun);
        for state in ["Assigned", "Preparing", "Starting", "New"] {
            let under_way = once(&[("running", &format!("{state} 1 second ago"), "Error:")]);
            assert_eq!(under_way, Once::UnderWay { runs: false, unplaceable: None }, "{state}");
        }
        assert_eq!(
            once(&[("running", "Running 2 hours ago", "Error:")]),
            Once::UnderWay { runs: true, unplaceable: None }
        );
        assert_eq!(once(&[("shutdown", "Complete 3 seconds ago", "Error:")]), Once::Succeeded);
        let failed = |error: &str| Once::Failed { error: Some(error.to_owned()) };
        let error = "task: non-zero exit (3)";
        assert_eq!(once(&[("shutdown", "Failed 1 second ago", &format!("\"{error}\""))]), failed(error));
        assert_eq!(once(&[("shutdown", "Rejected 1 second ago", "\"No such image\"")]), failed("No such image"));
        assert_eq!(once(&[("shutdown", "Shutdown 1 second ago", "Error:")]), Once::Failed { error: None });
        let waits = once(&[("running", "Pending 1 second ago", "\"no suitable node (x)\"")]);
        assert_eq!(waits, Once::UnderWay { runs: false, unplaceable: Some("no suitable node (x)".to_owned()) });
    }

    #[test]
    fn of_several_the_one_under_way_counts_and_then_the_one_that_failed() {
        let complete = ("shutdown", "Complete 1 second ago", "");
        assert_eq!(
            once(&[("running", "Running 1 second ago", ""), complete]),
            Once::UnderWay { runs: true, unplaceable: None }
        );
        assert_eq!(once(&[complete, ("shutdown", "Failed 9 seconds ago", "Error:")]), Once::Failed { error: None });
        assert!(once(&[complete, complete]).has_ended());
    }

    #[test]
    fn the_status_is_found_in_swarms_words() {
        assert_eq!(exit_status("task: non-zero exit (137): dockerexec: unhealthy container"), Some(137));
        assert_eq!(exit_status("No such image"), None);
    }
}
