//! Keeps the tasks of a service as its specification says: rolls updates out, restarts what ended, rolls back.

use std::sync::Arc;

use super::container::{self, Exit};
use super::health::{self, Checked};
use super::model::{Desired, Order, Service, Task, TaskState};
use super::restart::{self, Next};
use super::task::{self, Started, TaskRef};
use crate::clock::Timeline;
use crate::dokploy::model::State;
use crate::world::World;

/// How long a container takes to stop. Applications were seen to take 3.1 s (they ignored SIGTERM until killed).
pub(super) const STOP_MILLIS: u64 = 3_100;
/// How long it takes to give up a task that has no container yet.
const CANCEL_MILLIS: u64 = 1_000;

/// Rolls out the specification of a service, unless another update begins meanwhile.
pub(super) fn start_roll(world: &Arc<World>, name: &str, generation: u64, time: Timeline) {
    let (task_world, name) = (Arc::clone(world), name.to_owned());
    world.spawn(async move { roll(&task_world, &name, generation, time).await });
}

/// Looks at a service, unless another update has begun meanwhile.
fn current<'a>(state: &'a mut State, name: &str, generation: u64) -> Option<&'a mut Service> {
    state.services.get_mut(name).filter(|service| service.generation == generation)
}

async fn roll(world: &Arc<World>, name: &str, generation: u64, mut time: Timeline) {
    let spec = world.write(|state| current(state, name, generation).map(|service| service.spec.clone()));
    let Some(spec) = spec else { return };
    if spec.replicas == 0 {
        retire_others(world, name, None, time);
        drained(world, name, &mut time).await;
        world.write(|state| {
            current(state, name, generation).map(|service| service.tasks.retain(|task| !task.error.is_empty()))
        });
        return;
    }
    if spec.order == Order::StopFirst {
        retire_others(world, name, None, time);
        drained(world, name, &mut time).await;
    }
    let task = world.write(|state| {
        let service = current(state, name, generation)?;
        let task = Task::new(&spec, generation, Desired::Running, TaskState::Pending);
        let id = task.id.clone();
        service.tasks.push(task);
        Some(id)
    });
    let Some(task) = task else { return };
    let at = TaskRef { service: name.to_owned(), task };
    if let Some(started) = task::start(world, &at, &mut time).await
        && let Some(time) = comes_up(world, &at, started).await
    {
        retire_others(world, name, Some(&at.task), time);
    }
}

/// Lets a container run and waits until it is up; `None` when it does not come to that.
async fn comes_up(world: &Arc<World>, at: &TaskRef, started: Started) -> Option<Timeline> {
    let (spec, time) = (started.spec.clone(), started.time);
    follow(world, at, started);
    let Some(check) = spec.health.clone() else { return Some(time) };
    match health::start(world, at, &spec, &check).await {
        Checked::Healthy => {
            let (watch_world, at) = (Arc::clone(world), at.clone());
            world.spawn(async move {
                if let Some(exit) = health::watch(&watch_world, &at, &spec, &check).await {
                    ended(&watch_world, &at, exit);
                }
            });
            Some(world.clock.timeline())
        }
        Checked::Stopped(exit) => {
            ended(world, at, exit);
            None
        }
        Checked::Gone => None,
    }
}

/// Waits until no task of the service is alive. Its tasks have been retired, so this ends.
async fn drained(world: &World, name: &str, time: &mut Timeline) {
    let alive = |state: &State| {
        state.services.get(name).is_some_and(|service| service.tasks.iter().any(|task| !task.state.is_terminal()))
    };
    while world.read(alive) {
        time.pass(20).await;
        tokio::task::yield_now().await;
    }
}

/// Tells every task but `kept` to stop.
fn retire_others(world: &Arc<World>, name: &str, kept: Option<&str>, time: Timeline) {
    let retired = world.write(|state| {
        let Some(service) = state.services.get_mut(name) else { return Vec::new() };
        let others = service.tasks.iter_mut().filter(|task| kept != Some(task.id.as_str()));
        others
            .filter(|task| task.desired != Desired::Shutdown)
            .map(|task| {
                task.desired = Desired::Shutdown;
                (task.id.clone(), task.state == TaskState::Running)
            })
            .collect()
    });
    for (task, was_running) in retired {
        let at = TaskRef { service: name.to_owned(), task };
        let (stop_world, mut time) = (Arc::clone(world), time);
        world.spawn(async move {
            time.pass(if was_running { STOP_MILLIS } else { CANCEL_MILLIS }).await;
            task::stop(&stop_world, &at).await;
        });
    }
}

/// Lets the container of a task run, and decides what follows when it ends by itself.
fn follow(world: &Arc<World>, at: &TaskRef, started: Started) {
    let (task_world, at) = (Arc::clone(world), at.clone());
    world.spawn(async move {
        if let Some(exit) = container::run(&task_world, &at, started).await {
            ended(&task_world, &at, exit);
        }
    });
}

fn ended(world: &Arc<World>, at: &TaskRef, exit: Exit) {
    let Exit { code, error, uptime, time } = exit;
    let next = world.write(|state| {
        let Some(task) = at.wanted(state) else { return Next::Nothing };
        task.desired = Desired::Shutdown;
        task.become_state(if code == 0 { TaskState::Complete } else { TaskState::Failed });
        if code != 0 {
            task.error = if error.is_empty() { format!("task: non-zero exit ({code})") } else { error };
        }
        if let Some(container) = &mut task.container {
            container.finished_at = Some(world.timestamp());
            container.exit_code = code;
        }
        let (spec, generation) = (Arc::clone(&task.spec), task.generation);
        match state.services.get_mut(&at.service) {
            Some(service) => restart::decide(service, &spec, generation, code, uptime),
            None => Next::Nothing,
        }
    });
    match next {
        Next::Nothing => {}
        Next::Restart { task, delay_millis } => {
            let at = TaskRef { service: at.service.clone(), task };
            let restart_world = Arc::clone(world);
            world.spawn(async move {
                if let Some(started) = task::start_again(&restart_world, &at, delay_millis, time).await {
                    comes_up(&restart_world, &at, started).await;
                }
            });
        }
        Next::RollBack { generation } => start_roll(world, &at.service, generation, time),
    }
}
