//! Health checks: how often a container is asked, and what becomes of it.
//!
//! Modelled from Docker (`daemon/health.go`, the Swarm executor's `controller.Start` and `Wait`), not from the recorded
//! server. A task stays `Starting` until its container is healthy; one that becomes unhealthy is stopped and has failed.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::task::{self, At};
use super::{Desired, Spec, TaskState, script};
use crate::world::World;

/// Docker's defaults.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES: u64 = 3;
/// How often Docker asks within the start period, since version 25; Dokploy cannot set it.
const START_INTERVAL: Duration = Duration::from_secs(5);
/// How long a container takes to stop, and with which status, when it ignores SIGTERM.
const STOP: Duration = Duration::from_millis(3_100);
const KILLED: i64 = 137;

/// `healthCheckSwarm`; times in nanoseconds, 0 and absent stand for Docker's defaults.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HealthCheck {
    test: Vec<String>,
    interval: Option<f64>,
    timeout: Option<f64>,
    start_period: Option<f64>,
    retries: Option<f64>,
}

impl HealthCheck {
    /// Whether it checks anything.
    pub(crate) fn is_one(&self) -> bool {
        self.test.first().is_some_and(|kind| kind != "NONE")
    }

    /// The command that is run in the container.
    fn command(&self) -> Vec<String> {
        match self.test.split_first() {
            Some((kind, rest)) if kind == "CMD-SHELL" => {
                ["/bin/sh", "-c"].into_iter().map(str::to_owned).chain(rest.iter().cloned()).collect()
            }
            Some((kind, rest)) if kind == "CMD" => rest.to_vec(),
            _ => self.test.clone(),
        }
    }

    fn retries(&self) -> u64 {
        whole(self.retries).filter(|retries| *retries > 0).unwrap_or(RETRIES)
    }

    /// As `docker inspect` shows it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "Test": self.test, "Interval": whole(self.interval), "Timeout": whole(self.timeout),
            "StartPeriod": whole(self.start_period), "Retries": whole(self.retries),
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a saturating cast is meant")]
fn whole(number: Option<f64>) -> Option<u64> {
    number.map(|number| number as u64)
}

/// What stands for `default` where it is not more than nothing.
fn nanos(value: Option<f64>, default: Duration) -> Duration {
    let given = value.filter(|nanos| *nanos > 0.0).and_then(|nanos| Duration::try_from_secs_f64(nanos / 1e9).ok());
    given.unwrap_or(default)
}

/// What the checks of a container have found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) status: Status,
    /// How many checks have failed in a row.
    pub(crate) failing: u64,
}

impl Health {
    /// Nothing yet.
    pub(super) const STARTING: Self = Self { status: Status::Starting, failing: 0 };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Starting,
    Healthy,
    Unhealthy,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Waits until the container of a starting task is healthy, and watches it from then on. `false` when it will not be.
pub(super) async fn start(world: &Arc<World>, at: &At, spec: &Spec, check: &HealthCheck) -> bool {
    if !next(world, at, spec, check, TaskState::Starting).await {
        return false;
    }
    let running = world.write(|state| {
        let service = state.services.get_mut(&at.service)?;
        let task = service.task_mut(&at.task).filter(|task| task.desired != Desired::Shutdown)?;
        task.become_state(TaskState::Running);
        Some(())
    });
    if running.is_none() {
        return false;
    }
    let (watch_world, at, spec, check) = (Arc::clone(world), at.clone(), spec.clone(), check.clone());
    world.spawn(async move { while next(&watch_world, &at, &spec, &check, TaskState::Running).await {} });
    true
}

/// Asks until the container is healthy (again). `false` when it has ended, or was stopped because it is unhealthy.
async fn next(world: &Arc<World>, at: &At, spec: &Spec, check: &HealthCheck, during: TaskState) -> bool {
    loop {
        let Some(up) = up(world, at, during) else { return false };
        let start_period = nanos(check.start_period, Duration::ZERO);
        let in_start_period = during == TaskState::Starting && up < start_period;
        let interval = nanos(check.interval, INTERVAL);
        let pause = if in_start_period { START_INTERVAL } else { interval };
        world.clock.sleep_seconds(pause.as_secs_f64()).await;
        let passed = probe(world, at, spec, check).await;
        let counts = during == TaskState::Running || up >= start_period;
        match note(world, at, passed, counts, check.retries()) {
            None => return false,
            Some(Status::Healthy) => return true,
            Some(Status::Starting) => {}
            Some(Status::Unhealthy) => {
                stop(world, at, during).await;
                return false;
            }
        }
    }
}

/// How long a task's container has been up, while the task is in this state and wanted.
fn up(world: &World, at: &At, during: TaskState) -> Option<Duration> {
    world.read(|state| {
        let task = state.services.get(&at.service)?.tasks.iter().find(|task| task.id == at.task)?;
        let alive = task.state == during && task.desired != Desired::Shutdown;
        let container = task.container.as_ref().filter(|_| alive)?;
        Some(world.clock.since(container.started))
    })
}

/// Runs the check once; whether it ended in time and with status 0.
async fn probe(world: &Arc<World>, at: &At, spec: &Spec, check: &HealthCheck) -> bool {
    let (command, silent) = (check.command(), |_: &str| ());
    let run = script::run(world, at, spec, &command, &silent);
    let timeout = world.clock.sleep_seconds(nanos(check.timeout, TIMEOUT).as_secs_f64());
    tokio::select! {
        status = run => status == 0,
        () = timeout => false,
    }
}

/// Takes note of a check; a failed one `counts` outside of the start period only.
fn note(world: &World, at: &At, passed: bool, counts: bool, retries: u64) -> Option<Status> {
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
async fn stop(world: &Arc<World>, at: &At, during: TaskState) {
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
    task::ended(world, at, KILLED, &error, uptime, world.clock.timeline());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value) -> HealthCheck {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_check_is_read_as_docker_reads_it() {
        let given = check(json!({ "Test": ["CMD-SHELL", "a || b"], "Interval": 2e9, "Retries": 0 }));
        assert_eq!(given.command(), ["/bin/sh", "-c", "a || b"]);
        assert_eq!((nanos(given.interval, INTERVAL), nanos(given.timeout, TIMEOUT)), (Duration::from_secs(2), TIMEOUT));
        assert_eq!(given.retries(), RETRIES);
        assert_eq!(check(json!({ "Test": ["CMD", "a", "b"] })).command(), ["a", "b"]);
        for none in [json!({}), json!({ "Test": [] }), json!({ "Test": ["NONE"] })] {
            assert!(!check(none).is_one());
        }
    }
}
