//! The life of one task: placed, started, running, ended, started again, or rolled back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::command::{self, Command};
use super::health::{self, Health};
use super::rollout;
use super::template::{self, Context};
use super::{Container, Database, Desired, Service, Spec, Task, TaskState, Volume, ports, script};
use crate::clock::{Timeline, timestamp};
use crate::dokploy::model::State;
use crate::random;
use crate::world::World;

/// Swarm keeps this many tasks of a slot.
const HISTORY: usize = 5;
/// A task that ends this soon after its start makes the update fail.
const MONITOR: Duration = Duration::from_secs(5);
/// How long Swarm waits before it starts a task again.
const RESTART_DELAY_MILLIS: u64 = 5_000;

/// Names a task.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) service: String,
    pub(super) task: String,
}

impl At {
    fn task<'a>(&self, state: &'a mut State) -> Option<&'a mut Task> {
        state.services.get_mut(&self.service)?.task_mut(&self.task)
    }

    /// The task, if it is still wanted.
    fn wanted<'a>(&self, state: &'a mut State) -> Option<&'a mut Task> {
        self.task(state).filter(|task| task.desired != Desired::Shutdown)
    }
}

/// Brings a pending task to Running. `false` when it was given up on the way.
pub(super) async fn start(world: &Arc<World>, at: &At, time: &mut Timeline) -> bool {
    time.pass(100).await;
    if !place(world, at, time).await {
        return false;
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
        return false;
    }
    time.pass(100).await;
    run(world, at, time).await
}

/// Waits until the task fits on the node, then assigns it.
async fn place(world: &World, at: &At, time: &mut Timeline) -> bool {
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

fn step(state: &mut State, at: &At, next: TaskState) -> bool {
    at.wanted(state).map(|task| task.become_state(next)).is_some()
}

/// Starting, then Running with a container whose life goes on by itself; one with a health check is up when it is healthy.
async fn run(world: &Arc<World>, at: &At, time: &mut Timeline) -> bool {
    if !world.write(|state| step(state, at, TaskState::Starting)) {
        return false;
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
            started_at: timestamp(),
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
    let Some(spec) = spec else { return false };
    let (live_world, live_at, live_spec, time) = (Arc::clone(world), at.clone(), spec.clone(), *time);
    world.spawn(async move { live(&live_world, &live_at, &live_spec, &stopped, time).await });
    match &spec.health {
        Some(check) => health::start(world, at, &spec, check).await,
        None => true,
    }
}

/// What happens inside the container until it ends or is stopped.
async fn live(world: &Arc<World>, at: &At, spec: &Spec, stopped: &CancellationToken, mut time: Timeline) {
    if let Some(database) = &spec.database {
        return serve(world, at, spec, database, stopped, time).await;
    }
    let image = world.images(|catalogue| catalogue.get(&spec.image));
    if let Some(after) = image.crash_after(&spec.env) {
        log(world, at, "starting");
        serve_requests(world, at);
        if stopped.run_until_cancelled(time.pass(after)).await.is_some() {
            log(world, at, "Error: simulated crash");
            ended(world, at, 1, "", Duration::from_millis(after), time);
        }
        return;
    }
    match command::of(spec, &image) {
        Command::Unstartable(error) => ended(world, at, 127, &error, Duration::ZERO, time),
        Command::Given(arguments) => {
            let started = Instant::now();
            let output = |line: &str| log(world, at, line);
            let run = script::run(world, at, spec, &arguments, &output);
            if let Some(code) = stopped.run_until_cancelled(run).await {
                ended(world, at, code, "", world.clock.since(started), world.clock.timeline());
            }
        }
        Command::Own => {
            serve_requests(world, at);
            log(world, at, &format!("{} listening", spec.image));
        }
    }
}

/// From now on the image says whether the container accepts connections.
fn serve_requests(world: &World, at: &At) {
    world.write(|state| {
        if let Some(container) = at.task(state).and_then(|task| task.container.as_mut()) {
            container.serves = true;
        }
    });
}

/// A database container: initialise the volume once, accept connections, publish the port.
async fn serve(
    world: &Arc<World>,
    at: &At,
    spec: &Spec,
    database: &Database,
    stopped: &CancellationToken,
    mut time: Timeline,
) {
    let Some((door, volume)) = world.read(|state| {
        let service = state.services.get(&at.service)?;
        Some((Arc::clone(&service.door), service.volume))
    }) else {
        return;
    };
    let fresh = volume == Volume::Empty;
    let start_up = time.pass(if fresh { 3_000 } else { 500 });
    let replaced = stopped.run_until_cancelled(start_up).await.is_none();
    if volume == Volume::Broken {
        log(world, at, "PostgreSQL Database directory appears to contain a database; Skipping initialization");
        log(world, at, "FATAL:  could not open file \"global/pg_filenode.map\": No such file or directory");
        return ended(world, at, 1, "", Duration::ZERO, world.clock.timeline());
    }
    log(world, at, "starting PostgreSQL");
    let door = door.lock().await;
    if replaced || world.write(|state| at.wanted(state).is_none()) {
        // A later task finds what this one has begun. Redis has nothing to initialise.
        let begun = if fresh && database.is_postgres { Volume::Broken } else { volume };
        return keep(world, at, begun);
    }
    let doors = world.doors(database);
    let mut result = doors.deploy(&at.service, &database.user, &database.password, &database.name).await;
    let port = spec.host_ports.first().and_then(|port| u16::try_from(*port).ok());
    if let (Ok(()), Some(port)) = (&result, port) {
        result = doors.open_port(&at.service, port).await;
    }
    drop(door);
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
        }
        Err(error) => {
            let error = format!("starting container failed: {error}");
            ended(world, at, 1, &error, Duration::ZERO, world.clock.timeline());
        }
    }
}

/// Leaves a service's data volume as it is from now on.
fn keep(world: &World, at: &At, volume: Volume) {
    world.write(|state| {
        if let Some(service) = state.services.get_mut(&at.service) {
            service.volume = volume;
        }
    });
}

fn log(world: &World, at: &At, line: &str) {
    world.write(|state| {
        if let Some(container) = at.task(state).and_then(|task| task.container.as_mut()) {
            let now = timestamp();
            let seconds = now.trim_end_matches('Z');
            let stamp = |part: &str| format!("{seconds}{:06}Z {part}", random::below(1_000_000));
            container.log.push(script::split(line).into_iter().map(stamp).collect());
        }
    });
}

/// Ends a retired task: its container is gone, its port closed.
pub(super) async fn stop(world: &World, at: &At) {
    let found = world.read(|state| {
        let service = state.services.get(&at.service)?;
        let task = service.tasks.iter().find(|task| task.id == at.task)?;
        let container = task.container.as_ref().filter(|_| !task.state.is_terminal());
        Some((Arc::clone(&service.door), task.spec.database.clone(), container.map(|c| c.stopped.clone())))
    });
    let Some((door, database, stopped)) = found else { return };
    if let Some(stopped) = stopped {
        stopped.cancel();
        if let Some(database) = database {
            let _door = door.lock().await;
            world.doors(&database).close_port(&at.service).await;
            world.doors(&database).restart(&at.service).await;
            log(world, at, "database system is shut down");
        }
    }
    world.write(|state| {
        let Some(task) = at.task(state).filter(|task| !task.state.is_terminal()) else { return };
        task.become_state(TaskState::Shutdown);
        if let Some(container) = &mut task.container {
            container.finished_at = Some(timestamp());
            container.exit_code = 137;
        }
    });
}

/// What follows when a container has ended by itself.
enum Next {
    Nothing,
    Restart {
        task: String,
        delay_millis: u64,
    },
    /// The update goes back to what was before, by a new task beside the one that waits to be restarted.
    RollBack {
        generation: u64,
    },
}

/// A container has ended by itself, or was stopped for being unhealthy.
pub(super) fn ended(world: &Arc<World>, at: &At, code: i64, error: &str, uptime: Duration, time: Timeline) {
    let next = world.write(|state| {
        let Some(task) = at.wanted(state) else { return Next::Nothing };
        task.desired = Desired::Shutdown;
        task.become_state(if code == 0 { TaskState::Complete } else { TaskState::Failed });
        if code != 0 {
            task.error = if error.is_empty() { format!("task: non-zero exit ({code})") } else { error.to_owned() };
        }
        if let Some(container) = &mut task.container {
            container.finished_at = Some(timestamp());
            container.exit_code = code;
        }
        let (spec, generation) = (Arc::clone(&task.spec), task.generation);
        match state.services.get_mut(&at.service) {
            Some(service) => decide(service, &spec, generation, code, uptime),
            None => Next::Nothing,
        }
    });
    match next {
        Next::Nothing => {}
        Next::Restart { task, delay_millis } => {
            let at = At { service: at.service.clone(), task };
            let restart_world = Arc::clone(world);
            world.spawn(async move { restart(&restart_world, &at, delay_millis, time).await });
        }
        Next::RollBack { generation } => rollout::start_roll(world, &at.service, generation, time),
    }
}

/// Rolls back a failing update, restarts, or leaves it.
///
/// Two ways of rolling back were seen. When the image is the same, the task that waits to be restarted already has the
/// old environment. When it differs, that task is of the bad image, and a second one is started beside it.
fn decide(service: &mut Service, spec: &Spec, generation: u64, code: i64, uptime: Duration) -> Next {
    let policy = spec.restart.clone();
    let delay_millis = policy.delay.map_or(RESTART_DELAY_MILLIS, |nanos| {
        Duration::from_secs_f64((nanos / 1e9).max(0.0)).as_millis().try_into().unwrap_or(u64::MAX)
    });
    let restarts = match policy.condition.as_deref() {
        Some("none") => false,
        Some("on-failure") => code != 0,
        _ => true,
    } && policy.max_attempts.is_none_or(|most| most == 0 || service.attempts < most);
    let fails_update = generation == service.generation && spec.database.is_none() && uptime < MONITOR;
    let back = if fails_update { service.previous.take() } else { None };
    let Some(back) = back else {
        return if restarts { wait_to_restart(service, spec, delay_millis) } else { Next::Nothing };
    };
    let same_image = back.image == service.spec.image;
    service.spec = back;
    service.generation += 1;
    // The new task was never up, so that the one before was not told to stop: it is what the service goes back to.
    if service.is_running() {
        return Next::Nothing;
    }
    if same_image && restarts {
        let rolled_back = service.spec.clone();
        return wait_to_restart(service, &rolled_back, delay_millis);
    }
    if restarts {
        wait_to_restart(service, spec, delay_millis);
    }
    Next::RollBack { generation: service.generation }
}

fn wait_to_restart(service: &mut Service, spec: &Spec, delay_millis: u64) -> Next {
    service.attempts += 1;
    let task = Task::new(spec, service.generation, Desired::Ready, TaskState::Ready);
    let id = task.id.clone();
    service.tasks.push(task);
    Next::Restart { task: id, delay_millis }
}

async fn restart(world: &Arc<World>, at: &At, delay_millis: u64, mut time: Timeline) {
    time.pass(delay_millis).await;
    let wanted = world.write(|state| {
        let wanted = at.wanted(state).map(|task| task.desired = Desired::Running).is_some();
        if let Some(service) = state.services.get_mut(&at.service) {
            forget_history(service);
        }
        wanted
    });
    if wanted && place(world, at, &mut time).await {
        run(world, at, &mut time).await;
    }
}

/// Forgets the task that ended first when there are too many.
fn forget_history(service: &mut Service) {
    while service.tasks.len() > HISTORY {
        let ended = service.tasks.iter().enumerate().filter(|(_, task)| task.state.is_terminal());
        let Some((oldest, _)) = ended.min_by_key(|(_, task)| task.since) else { return };
        service.tasks.remove(oldest);
    }
}
