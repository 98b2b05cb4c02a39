//! Creating, updating, scaling and removing services.

use std::sync::Arc;

use super::model::{Service, Spec};
use super::orchestrator::{STOP_MILLIS, start_roll};
use super::template;
use crate::world::World;

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
            let _held = service.backend_lock.lock().await;
            task_world.backend_of(database).remove(&name).await;
        }
        for container in service.tasks.iter().filter_map(|task| task.container.as_ref()) {
            container.stopped.cancel();
        }
    });
}
