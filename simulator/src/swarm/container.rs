//! What happens inside a container: an app that listens or crashes, a command, a database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::command::{self, Command};
use super::model::{Database, Spec, Volume};
use super::task::{Started, TaskRef, log};
use crate::clock::Timeline;
use crate::world::World;

/// How a container ended by itself.
pub(super) struct Exit {
    pub(super) code: i64,
    /// What the container runtime says; empty where it is the code alone.
    pub(super) error: String,
    /// How long it ran.
    pub(super) uptime: Duration,
    pub(super) time: Timeline,
}

/// What happens inside the container until it ends by itself; `None` when it is stopped, or runs until it is.
pub(super) async fn run(world: &Arc<World>, at: &TaskRef, started: Started) -> Option<Exit> {
    let Started { spec, stopped, mut time } = started;
    if let Some(database) = &spec.database {
        return serve(world, at, &spec, database, &stopped, time).await;
    }
    let image = world.images(|catalogue| catalogue.get(&spec.image));
    if let Some(after) = image.crash_after(&spec.env) {
        log(world, at, "starting");
        serve_requests(world, at);
        stopped.run_until_cancelled(time.pass(after)).await?;
        log(world, at, "Error: simulated crash");
        return Some(Exit { code: 1, error: String::new(), uptime: Duration::from_millis(after), time });
    }
    match command::of(&spec, &image) {
        Command::Unstartable(error) => Some(Exit { code: 127, error, uptime: Duration::ZERO, time }),
        Command::Given(arguments) => {
            let started = Instant::now();
            let output = |line: &str| log(world, at, line);
            let run = command::run(world, at, &spec, &arguments, &output);
            let code = stopped.run_until_cancelled(run).await?;
            let (uptime, time) = (world.clock.since(started), world.clock.timeline());
            Some(Exit { code, error: String::new(), uptime, time })
        }
        Command::Own => {
            serve_requests(world, at);
            log(world, at, &format!("{} listening", spec.image));
            None
        }
    }
}

/// From now on the image says whether the container accepts connections.
fn serve_requests(world: &World, at: &TaskRef) {
    world.write(|state| {
        if let Some(container) = at.task(state).and_then(|task| task.container.as_mut()) {
            container.serves = true;
        }
    });
}

/// A database container: initialise the volume once, accept connections, publish the port.
async fn serve(
    world: &Arc<World>,
    at: &TaskRef,
    spec: &Spec,
    database: &Database,
    stopped: &CancellationToken,
    mut time: Timeline,
) -> Option<Exit> {
    let failed = |error: String| {
        let time = world.clock.timeline();
        Some(Exit { code: 1, error, uptime: Duration::ZERO, time })
    };
    let (lock, volume) = world.read(|state| {
        let service = state.services.get(&at.service)?;
        Some((Arc::clone(&service.backend_lock), service.volume))
    })?;
    let fresh = volume == Volume::Empty;
    let start_up = time.pass(if fresh { 3_000 } else { 500 });
    let replaced = stopped.run_until_cancelled(start_up).await.is_none();
    if volume == Volume::Broken {
        log(world, at, "PostgreSQL Database directory appears to contain a database; Skipping initialization");
        log(world, at, "FATAL:  could not open file \"global/pg_filenode.map\": No such file or directory");
        return failed(String::new());
    }
    log(world, at, "starting PostgreSQL");
    let held = lock.lock().await;
    if replaced || world.write(|state| at.wanted(state).is_none()) {
        // A later task finds what this one has begun. Redis has nothing to initialise.
        let begun = if fresh && database.is_postgres { Volume::Broken } else { volume };
        keep(world, at, begun);
        return None;
    }
    let backend = world.backend_of(database);
    let mut result = backend.deploy(&at.service, &database.user, &database.password, &database.name).await;
    let port = spec.host_ports.first().and_then(|port| u16::try_from(*port).ok());
    if let (Ok(()), Some(port)) = (&result, port) {
        result = backend.open_port(&at.service, port).await;
    }
    drop(held);
    keep(world, at, Volume::Initialised);
    world.write(|state| {
        if let Some(container) = at.task(state).and_then(|task| task.container.as_mut()) {
            container.ready = result.is_ok();
        }
    });
    match result {
        Ok(()) => {
            let volume = if fresh {
                "PostgreSQL init process complete; ready for start up."
            } else {
                "PostgreSQL Database directory appears to contain a database; Skipping initialization"
            };
            log(world, at, volume);
            log(world, at, "database system is ready to accept connections");
            None
        }
        Err(error) => failed(format!("starting container failed: {error}")),
    }
}

/// Leaves a service's data volume as it is from now on.
fn keep(world: &World, at: &TaskRef, volume: Volume) {
    world.write(|state| {
        if let Some(service) = state.services.get_mut(&at.service) {
            service.volume = volume;
        }
    });
}
