//! What the recorded timelines of a real server's tasks are taken for.

use crate::transcript::transcript;
use deploy_native::dokploy::{
    ContainerConfig, Expected, Observation, Progress, RolloutFailure, RolloutMonitor, RolloutStatus, ServiceSnapshot,
    ServiceTask, Task, TaskState, WaitSettings, classify,
};
use deploy_native::secrets::Secret;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The frames of a timeline: the time and the rows of tasks. The recording does not have the tasks' ids.
fn frames(name: &str, tasks: &str) -> Vec<(Duration, Vec<ServiceTask>)> {
    let entries = transcript();
    let entry = entries.iter().find(|entry| entry["name"] == name && entry.get("timeline").is_some()).unwrap();
    let row = |row: &Value| {
        let text = |index: usize| row[index].as_str().unwrap().to_owned();
        ServiceTask { task_id: String::new(), name: text(0), state: text(1), current_state: text(2), error: text(3) }
    };
    let frame = |frame: &Value| {
        let rows = frame[tasks].as_array().unwrap().iter().map(row).collect();
        (Duration::from_millis(frame["ms"].as_u64().unwrap()), rows)
    };
    entry["timeline"].as_array().unwrap().iter().map(frame).collect()
}

/// The snapshot of a frame whose rows have these ids; `container` tells what each of them runs: image and `A`.
fn snapshot(
    rows: &[ServiceTask],
    ids: &[usize],
    container: &dyn Fn(usize) -> (&'static str, &'static str),
) -> ServiceSnapshot {
    assert_eq!(rows.len(), ids.len());
    let mut snapshot = ServiceSnapshot::default();
    for (row, id) in rows.iter().zip(ids) {
        let task = Task::parse(&ServiceTask { task_id: id.to_string(), ..row.clone() });
        if task.state == TaskState::Running {
            let (image, value) = container(*id);
            let env = BTreeMap::from([("A".to_owned(), Secret::new(value))]);
            let config = ContainerConfig { image: image.to_owned(), env, task_id: None };
            snapshot.containers.insert(task.id.clone(), config);
        }
        snapshot.tasks.push(task);
    }
    snapshot
}

fn observed(name: &str, tasks: &str) -> Vec<&'static str> {
    let words = frames(name, tasks).into_iter().map(|(_, rows)| {
        let ids: Vec<usize> = (0..rows.len()).collect();
        match classify(&snapshot(&rows, &ids, &|_| ("app:1", "1"))) {
            Observation::Starting => "starting",
            Observation::Running { .. } => "running",
            Observation::CrashLooping { .. } => "crash",
            Observation::Rejected { .. } => "rejected",
            Observation::Pending { .. } => "pending",
            Observation::Stopped => "stopped",
        }
    });
    words.collect()
}

#[test]
fn i7_every_recorded_frame_is_taken_for_what_it_was() {
    assert_eq!(observed("first deployment", "tasks"), ["starting", "running"]);
    assert_eq!(observed("bad environment", "tasks"), ["starting", "starting", "crash", "crash", "crash", "running"]);
    assert_eq!(observed("crashing image", "tasks"), ["starting", "running", "crash", "running", "running", "running"]);
    assert_eq!(observed("absent image", "tasks"), ["running", "running"]);
    assert_eq!(observed("one worker", "waitingTasks"), ["running", "starting", "running", "running"]);
}

/// Plays a timeline until it is decided, and if need be its last frame again after 3 s.
fn status(
    name: &str,
    expected: (&str, &str),
    before: &[usize],
    ids: &[&[usize]],
    container: &dyn Fn(usize) -> (&'static str, &'static str),
) -> RolloutStatus {
    let env = BTreeMap::from([("A".to_owned(), Secret::new(expected.1))]);
    let tasks_before: BTreeSet<String> = before.iter().map(ToString::to_string).collect();
    let expected = Expected { image: expected.0.to_owned(), env, former_env: BTreeMap::new(), tasks_before };
    let mut monitor = RolloutMonitor::new(expected, &WaitSettings::default());
    let frames = frames(name, "tasks");
    assert_eq!(frames.len(), ids.len());
    for ((time, rows), ids) in frames.iter().zip(ids) {
        let status = monitor.observe(*time, &snapshot(rows, ids, container));
        if !matches!(status, RolloutStatus::InProgress(_)) {
            return status;
        }
    }
    let (time, rows) = frames.last().unwrap();
    monitor.observe(*time + Duration::from_secs(3), &snapshot(rows, ids.last().unwrap(), container))
}

#[test]
fn i7_the_recorded_rollback_of_an_environment_is_found() {
    // Task 1 crashed with the new environment; Swarm made task 2 with the old one.
    let ids: &[&[usize]] = &[&[1, 0], &[1, 0], &[2, 1, 0], &[2, 1, 0], &[2, 1, 0], &[2, 1, 0]];
    let container = |id| if id == 1 { ("app:1", "new") } else { ("app:1", "old") };
    let status = status("bad environment", ("app:1", "new"), &[0], ids, &container);
    let (variables, error) = (vec!["A".to_owned()], Some("task: non-zero exit (1)".to_owned()));
    assert_eq!(status, RolloutStatus::Failed(RolloutFailure::RolledBack { image: false, variables, error }));
}

#[test]
fn i7_the_recorded_rollback_of_an_image_is_found() {
    // Task 3 crashed with the new image, task 4 was to be its second try; Swarm made task 5 with the old image.
    let late: &[usize] = &[5, 4, 3, 2, 0];
    let ids: &[&[usize]] = &[&[3, 2, 1, 0], &[3, 2, 1, 0], late, late, late, late];
    let container = |id| if id == 3 { ("crash:1", "1") } else { ("app:1", "1") };
    let status = status("crashing image", ("crash:1", "1"), &[0, 1, 2], ids, &container);
    let error = Some("task: non-zero exit (1)".to_owned());
    assert_eq!(status, RolloutStatus::Failed(RolloutFailure::RolledBack { image: true, variables: Vec::new(), error }));
}

#[test]
fn i7_the_recorded_first_deployment_is_on_its_way_to_the_proof() {
    let status = status("first deployment", ("app:1", "1"), &[], &[&[0], &[0]], &|_| ("app:1", "1"));
    assert_eq!(status, RolloutStatus::InProgress(Progress::Running));
}
