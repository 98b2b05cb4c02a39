use super::*;
use crate::dokploy::api::ServiceTask;

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

fn seen(rows: &[(&str, &str, &str)]) -> Observation {
    let tasks = tasks(rows);
    let config = ContainerConfig {
        image: "app:1".to_owned(),
        env: BTreeMap::from([("A".to_owned(), Secret::new("1"))]),
        task_id: None,
    };
    let running = tasks.iter().filter(|task| task.state == TaskState::Running);
    let containers = running.map(|task| (task.id.clone(), config.clone())).collect();
    classify(&ServiceSnapshot { tasks, containers, replicas: None })
}

const EXIT: &str = "\"task: non-zero exit (1)\"";

#[test]
fn the_oldest_rows_error_is_none() {
    let task = &tasks(&[("running", "Running about a minute ago", "Error:")])[0];
    assert_eq!((task.state, task.desired, task.error.as_deref()), (TaskState::Running, true, None));
    let task = &tasks(&[("shutdown", "Failed 34 seconds ago", EXIT)])[0];
    assert_eq!((task.state, task.desired), (TaskState::Failed, false));
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
    assert_eq!(classify(&ServiceSnapshot { tasks, ..ServiceSnapshot::default() }), Observation::Starting);
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
    assert_eq!(seen(&[("running", "Starting", ""), ("shutdown", "Failed", EXIT), ("shutdown", "Shutdown", "")]), crash);
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
    assert_eq!(classify(&ServiceSnapshot { tasks, replicas, ..ServiceSnapshot::default() }), Observation::Stopped);
}
