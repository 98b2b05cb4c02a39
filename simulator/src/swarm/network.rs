//! Connections within the server's network: who listens, and what is answered.

use super::model::{Desired, Task, TaskState};
use super::task::TaskRef;
use crate::image::Image;
use crate::world::World;

/// Whether a connection to `host` on `port` is accepted, from within the container of `from`.
pub(super) fn accepts(world: &World, from: &TaskRef, host: &str, port: u16) -> bool {
    listener(world, from, host, port).is_some()
}

/// The status with which a request for `path` is answered, from within the container of `from`; `None` without a server.
pub(super) fn status(world: &World, from: &TaskRef, host: &str, port: u16, path: &str) -> Option<u16> {
    match listener(world, from, host, port)? {
        Listener::App(image) => Some(image.status(path)),
        Listener::Database => None,
    }
}

/// What listens.
enum Listener {
    App(Box<Image>),
    Database,
}

fn listener(world: &World, from: &TaskRef, host: &str, port: u16) -> Option<Listener> {
    if matches!(host, "localhost" | "127.0.0.1" | "::1") {
        return in_task(world, from, port);
    }
    let database = world.read(|state| {
        let service = state.services.get(host)?;
        let database = service.spec.database.as_ref()?;
        let own_port = if database.is_postgres { 5432 } else { 6379 };
        Some(port == own_port && service.accepts_connections())
    });
    match database {
        Some(true) => Some(Listener::Database),
        Some(false) => None,
        None => in_task(world, &balanced(world, host)?, port),
    }
}

/// The task that gets the next connection to a service: those that run take turns.
fn balanced(world: &World, service: &str) -> Option<TaskRef> {
    world.write(|state| {
        let service = state.services.get_mut(service)?;
        service.connections = service.connections.wrapping_add(1);
        let up = |task: &&Task| task.state == TaskState::Running && task.desired == Desired::Running;
        let running: Vec<&Task> = service.tasks.iter().filter(up).collect();
        let task = running.get(service.connections % running.len().max(1))?.id.clone();
        Some(TaskRef { service: service.name.clone(), task })
    })
}

fn in_task(world: &World, at: &TaskRef, port: u16) -> Option<Listener> {
    let (image, env, up) = world.read(|state| {
        let task = state.services.get(&at.service)?.tasks.iter().find(|task| task.id == at.task)?;
        let container = task.container.as_ref().filter(|it| it.serves && it.finished_at.is_none())?;
        Some((task.spec.image.clone(), container.env.clone(), world.clock.since(container.started)))
    })?;
    let image = world.images(|catalogue| catalogue.get(&image));
    image.listens(&env, port, up).then(|| Listener::App(Box::new(image)))
}
