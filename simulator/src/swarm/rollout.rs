//! Creating, updating, scaling and removing services.

use std::sync::Arc;

use super::task::{self, At};
use super::template;
use super::{Desired, Order, Service, Spec, Task, TaskState};
use crate::clock::Timeline;
use crate::dokploy::model::State;
use crate::world::World;

/// How long a container takes to stop. Applications were seen to take 3.1 s (they ignored SIGTERM until killed).
const STOP_MILLIS: u64 = 3_100;
/// How long it takes to give up a task that has no container yet.
const CANCEL_MILLIS: u64 = 1_000;

/// What docker says about names and templates that Dokploy accepts and Swarm does not.
///
/// # Errors
///
/// Docker's message.
pub(crate) fn check(name: &str, spec: &Spec) -> Result<(), String> {
    if name.len() > 63 {
        return Err("(HTTP code 400) bad parameter - name must be 63 characters or fewer".into());
    }
    if name.contains('.') || name.starts_with('-') {
        return Err("(HTTP code 400) bad parameter - name must be valid as a DNS name component".into());
    }
    let expanded = template::expand_env(&spec.env, &template::Context::default());
    expanded.map_err(|error| format!("(HTTP code 400) unexpected - {error}"))?;
    Ok(())
}

/// Creates the service or updates it to `spec`. Every update makes a new task, also one that changes nothing.
pub(crate) fn apply(world: &Arc<World>, name: &str, spec: Spec) {
    let generation = world.write(|state| {
        if let Some(service) = state.services.get_mut(name) {
            return update(service, spec);
        }
        state.services.insert(name.to_owned(), Service::new(name, spec));
        0
    });
    start_roll(world, name, generation, world.clock.timeline());
}

fn update(service: &mut Service, spec: Spec) -> u64 {
    service.previous = Some(std::mem::replace(&mut service.spec, spec));
    service.attempts = 0;
    service.generation += 1;
    service.generation
}

/// Sets the number of replicas. Unknown services and unchanged numbers are ignored.
pub(crate) fn scale(world: &Arc<World>, name: &str, replicas: u64) {
    let generation = world.write(|state| {
        let service = state.services.get_mut(name).filter(|service| service.spec.replicas != replicas)?;
        let spec = Spec { replicas, ..service.spec.clone() };
        Some(update(service, spec))
    });
    if let Some(generation) = generation {
        start_roll(world, name, generation, world.clock.timeline());
    }
}

/// Removes a service. Its containers die within seconds.
pub(crate) fn remove(world: &Arc<World>, name: &str) {
    let Some(service) = world.write(|state| state.services.remove(name)) else { return };
    let (task_world, name) = (Arc::clone(world), name.to_owned());
    world.spawn(async move {
        if let Some(database) = &service.spec.database {
            task_world.clock.sleep(STOP_MILLIS).await;
            let _door = service.door.lock().await;
            task_world.doors(database).remove(&name).await;
        }
        for container in service.tasks.iter().filter_map(|task| task.container.as_ref()) {
            container.stopped.cancel();
        }
    });
}

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
    let at = At { service: name.to_owned(), task };
    if task::start(world, &at, &mut time).await {
        retire_others(world, name, Some(&at.task), time);
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
        let at = At { service: name.to_owned(), task };
        let (stop_world, mut time) = (Arc::clone(world), time);
        world.spawn(async move {
            time.pass(if was_running { STOP_MILLIS } else { CANCEL_MILLIS }).await;
            task::stop(&stop_world, &at).await;
        });
    }
}
