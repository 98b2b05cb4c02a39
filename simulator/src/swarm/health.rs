//! Health checks: how often a container is asked, and what becomes of it.
//!
//! Modelled from Docker (`daemon/health.go`, the Swarm executor's `controller.Start` and `Wait`), not from the recorded
//! server. A task stays `Starting` until its container is healthy; one that becomes unhealthy is stopped and has failed.

use std::sync::Arc;
use std::time::Duration;

use super::command;
use super::container::Exit;
use super::health_check::{Health, HealthCheck, Status};
use super::model::{Desired, Spec, TaskState};
use super::task::TaskRef;
use crate::world::World;

/// How often Docker asks within the start period, since version 25; Dokploy cannot set it.
const START_INTERVAL: Duration = Duration::from_secs(5);
/// How long a container takes to stop, and with which status, when it ignores SIGTERM.
const STOP: Duration = Duration::from_millis(3_100);
const KILLED: i64 = 137;

/// What the checks of a container come to.
pub(super) enum Checked {
    /// It is healthy, and its task is up.
    Healthy,
    /// It was stopped because it is unhealthy.
    Stopped(Exit),
    /// It ended by itself, or is not wanted any more.
    Gone,
}

/// Waits until the container of a starting task is healthy.
pub(super) async fn start(world: &Arc<World>, at: &TaskRef, spec: &Spec, check: &HealthCheck) -> Checked {
    let checked = next(world, at, spec, check, TaskState::Starting).await;
    if !matches!(checked, Checked::Healthy) {
        return checked;
    }
    let running = world.write(|state| {
        at.wanted(state)?.become_state(TaskState::Running);
        Some(())
    });
    running.map_or(Checked::Gone, |()| Checked::Healthy)
}

/// Watches a container that is healthy until it is unhealthy or gone.
pub(super) async fn watch(world: &Arc<World>, at: &TaskRef, spec: &Spec, check: &HealthCheck) -> Option<Exit> {
    loop {
        match next(world, at, spec, check, TaskState::Running).await {
            Checked::Healthy => {}
            Checked::Stopped(exit) => return Some(exit),
            Checked::Gone => return None,
        }
    }
}

/// Asks until the container is healthy (again).
async fn next(world: &Arc<World>, at: &TaskRef, spec: &Spec, check: &HealthCheck, during: TaskState) -> Checked {
    loop {
        let Some(up) = up(world, at, during) else { return Checked::Gone };
        let start_period = check.start_period();
        let in_start_period = during == TaskState::Starting && up < start_period;
        let pause = if in_start_period { START_INTERVAL } else { check.interval() };
        world.clock.sleep_seconds(pause.as_secs_f64()).await;
        let passed = probe(world, at, spec, check).await;
        let counts = during == TaskState::Running || up >= start_period;
        match note(world, at, passed, counts, check.retries()) {
            None => return Checked::Gone,
            Some(Status::Healthy) => return Checked::Healthy,
            Some(Status::Starting) => {}
            Some(Status::Unhealthy) => return Checked::Stopped(stop(world, at, during).await),
        }
    }
}

/// How long a task's container has been up, while the task is in this state and wanted.
fn up(world: &World, at: &TaskRef, during: TaskState) -> Option<Duration> {
    world.read(|state| {
        let task = state.services.get(&at.service)?.tasks.iter().find(|task| task.id == at.task)?;
        let alive = task.state == during && task.desired != Desired::Shutdown;
        let container = task.container.as_ref().filter(|_| alive)?;
        Some(world.clock.since(container.started))
    })
}

/// Runs the check once; whether it ended in time and with status 0.
async fn probe(world: &Arc<World>, at: &TaskRef, spec: &Spec, check: &HealthCheck) -> bool {
    let (command, silent) = (check.command(), |_: &str| ());
    let run = command::run(world, at, spec, &command, &silent);
    let timeout = world.clock.sleep_seconds(check.timeout().as_secs_f64());
    tokio::select! {
        status = run => status == 0,
        () = timeout => false,
    }
}

/// Takes note of a check; a failed one `counts` outside of the start period only.
fn note(world: &World, at: &TaskRef, passed: bool, counts: bool, retries: u64) -> Option<Status> {
    world.write(|state| {
        let task = state.services.get_mut(&at.service)?.task_mut(&at.task)?;
        let health = task.container.as_mut()?.health.as_mut()?;
        match (passed, counts) {
            (true, _) => *health = Health { status: Status::Healthy, failing: 0 },
            (false, true) => health.failing += 1,
            (false, false) => {}
        }
        if health.failing >= retries {
            health.status = Status::Unhealthy;
        }
        Some(health.status)
    })
}

/// Stops an unhealthy container, which makes its task fail.
async fn stop(world: &World, at: &TaskRef, during: TaskState) -> Exit {
    let (stopped, since) = world.read(|state| {
        let task = state.services.get(&at.service).and_then(|service| service.tasks.iter().find(|t| t.id == at.task));
        let container = task.and_then(|task| task.container.as_ref());
        (container.map(|container| container.stopped.clone()), task.map(|task| task.since))
    });
    world.clock.sleep_seconds(STOP.as_secs_f64()).await;
    let uptime = match (during, since) {
        // It was never counted as up, so that the update has failed however long that took.
        (TaskState::Running, Some(since)) => world.clock.since(since),
        _ => Duration::ZERO,
    };
    if let Some(stopped) = stopped {
        stopped.cancel();
    }
    let error = format!("task: non-zero exit ({KILLED}): dockerexec: unhealthy container");
    Exit { code: KILLED, error, uptime, time: world.clock.timeline() }
}
