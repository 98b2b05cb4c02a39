//! The life of one task: placed, started, stopped.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::health_check::Health;
use super::model::{Container, Desired, Service, Spec, Task, TaskState};
use super::ports;
use super::template::{self, Context};
use crate::clock::Timeline;
use crate::dokploy::model::State;
use crate::random;
use crate::world::World;

/// Swarm keeps this many tasks of a slot.
const HISTORY: usize = 5;
/// The most bytes of a line that Docker logs as one entry.
const LONGEST_ENTRY: usize = 16 * 1024;

/// Names a task.
#[derive(Debug, Clone)]
pub(super) struct TaskRef {
    pub(super) service: String,
    pub(super) task: String,
}

impl TaskRef {
    pub(super) fn task<'a>(&self, state: &'a mut State) -> Option<&'a mut Task> {
        state.services.get_mut(&self.service)?.task_mut(&self.task)
    }

    /// The task, if it is still wanted.
    pub(super) fn wanted<'a>(&self, state: &'a mut State) -> Option<&'a mut Task> {
        self.task(state).filter(|task| task.desired != Desired::Shutdown)
    }
}

/// A container that has started, and what it runs.
pub(super) struct Started {
    /// With its variables expanded.
    pub(super) spec: Spec,
    /// Ends it.
    pub(super) stopped: CancellationToken,
    /// When it started.
    pub(super) time: Timeline,
}

/// Brings a pending task to its container. `None` when it was given up on the way.
pub(super) async fn start(world: &World, at: &TaskRef, time: &mut Timeline) -> Option<Started> {
    time.pass(100).await;
    if !place(world, at, time).await {
        return None;
    }
    time.pass(150).await;
    let prepared = world.write(|state| {
        let wanted = step(state, at, TaskState::Preparing);
        if let Some(service) = state.services.get_mut(&at.service) {
            forget_history(service);
        }
        wanted
    });
    if !prepared {
        return None;
    }
    time.pass(100).await;
    run(world, at, time).await
}

/// Waits until the task fits on the node, then assigns it.
async fn place(world: &World, at: &TaskRef, time: &mut Timeline) -> bool {
    loop {
        let image = world.read(|state| {
            let task = state.services.get(&at.service)?.tasks.iter().find(|task| task.id == at.task)?;
            Some(task.spec.image.clone())
        });
        let fits = image.is_none_or(|image| world.images(|catalogue| catalogue.get(&image)).is_placeable());
        let placed = world.write(|state| {
            let wanted = at.wanted(state)?.spec.host_ports.clone();
            let obstacle = match (fits, ports::held(state, &wanted, &at.task)) {
                (false, _) => Some("unsupported platform on 1 node"),
                (true, true) => Some("host-mode port already in use on 1 node"),
                (true, false) => None,
            };
            if let Some(obstacle) = obstacle {
                if let Some(task) = at.wanted(state) {
                    task.error = format!("no suitable node ({obstacle})");
                }
                return Some(false);
            }
            let task = at.wanted(state)?;
            task.error.clear();
            task.become_state(TaskState::Assigned);
            Some(true)
        });
        match placed {
            Some(true) => return true,
            Some(false) => time.pass(300).await,
            None => return false,
        }
        tokio::task::yield_now().await;
    }
}

fn step(state: &mut State, at: &TaskRef, next: TaskState) -> bool {
    at.wanted(state).map(|task| task.become_state(next)).is_some()
}

/// Starting, then Running with a container; one with a health check is up when it is healthy.
async fn run(world: &World, at: &TaskRef, time: &mut Timeline) -> Option<Started> {
    if !world.write(|state| step(state, at, TaskState::Starting)) {
        return None;
    }
    time.pass(300).await;
    let stopped = world.stopped.child_token();
    let spec = world.write(|state| {
        let service_id = state.services.get(&at.service)?.id.clone();
        let task = at.wanted(state)?;
        let context = Context { service_id, service_name: at.service.clone(), task_id: at.task.clone() };
        // What cannot be expanded was refused when the service was made.
        let env = template::expand_env(&task.spec.env, &context).unwrap_or_default();
        if task.spec.health.is_none() {
            task.become_state(TaskState::Running);
        }
        task.container = Some(Container {
            id: random::container_id(),
            started: Instant::now(),
            started_at: world.timestamp(),
            finished_at: None,
            exit_code: 0,
            env: env.clone(),
            log: Vec::new(),
            ready: false,
            serves: false,
            health: task.spec.health.as_ref().map(|_| Health::STARTING),
            stopped: stopped.clone(),
        });
        Some(Spec { env, ..Spec::clone(&task.spec) })
    });
    Some(Started { spec: spec?, stopped, time: *time })
}

/// Starts a task that has waited to be restarted. `None` when it was given up meanwhile.
pub(super) async fn start_again(world: &World, at: &TaskRef, delay_millis: u64, mut time: Timeline) -> Option<Started> {
    time.pass(delay_millis).await;
    let wanted = world.write(|state| {
        let wanted = at.wanted(state).map(|task| task.desired = Desired::Running).is_some();
        if let Some(service) = state.services.get_mut(&at.service) {
            forget_history(service);
        }
        wanted
    });
    if wanted && place(world, at, &mut time).await { run(world, at, &mut time).await } else { None }
}

/// Appends a line to the log of a task's container.
pub(super) fn log(world: &World, at: &TaskRef, line: &str) {
    world.write(|state| {
        if let Some(container) = at.task(state).and_then(|task| task.container.as_mut()) {
            let now = world.timestamp();
            let seconds = now.trim_end_matches('Z');
            let stamp = |part: &str| format!("{seconds}{:06}Z {part}", random::below(1_000_000));
            container.log.push(split(line).into_iter().map(stamp).collect());
        }
    });
}

/// Splits a line as Docker does: a long one is several entries, printed one after the other with a timestamp each.
fn split(line: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), line);
    while rest.len() > LONGEST_ENTRY {
        let (part, after) = rest.split_at(rest.floor_char_boundary(LONGEST_ENTRY));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Ends a retired task: its container is gone, its port closed.
pub(super) async fn stop(world: &World, at: &TaskRef) {
    let found = world.read(|state| {
        let service = state.services.get(&at.service)?;
        let task = service.tasks.iter().find(|task| task.id == at.task)?;
        let container = task.container.as_ref().filter(|_| !task.state.is_terminal());
        Some((Arc::clone(&service.backend_lock), task.spec.database.clone(), container.map(|c| c.stopped.clone())))
    });
    let Some((lock, database, stopped)) = found else { return };
    if let Some(stopped) = stopped {
        stopped.cancel();
        if let Some(database) = database {
            let _held = lock.lock().await;
            world.backend_of(&database).close_port(&at.service).await;
            world.backend_of(&database).restart(&at.service).await;
            log(world, at, "database system is shut down");
        }
    }
    world.write(|state| {
        let Some(task) = at.task(state).filter(|task| !task.state.is_terminal()) else { return };
        task.become_state(TaskState::Shutdown);
        if let Some(container) = &mut task.container {
            container.finished_at = Some(world.timestamp());
            container.exit_code = 137;
        }
    });
}

/// Forgets the task that ended first when there are too many.
fn forget_history(service: &mut Service) {
    while service.tasks.len() > HISTORY {
        let ended = service.tasks.iter().enumerate().filter(|(_, task)| task.state.is_terminal());
        let Some((oldest, _)) = ended.min_by_key(|(_, task)| task.since) else { return };
        service.tasks.remove(oldest);
    }
}
