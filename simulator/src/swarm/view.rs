//! What the docker commands print that Dokploy hands on.

use serde_json::{Map, Value, json};

use super::health_check::Status;
use super::model::{Container, NODE_ID, NODE_NAME, Service, Task, TaskState};
use crate::catalogue::derived_digest;
use crate::clock::{Clock, human_duration};
use crate::dokploy::model::State;

fn newest_first(service: &Service) -> impl Iterator<Item = &Task> {
    service.tasks.iter().rev()
}

/// The error column: quoted, and on the last row `Error:` where it is empty, by a trimming slip of the server.
fn error(service: &Service, task: &Task) -> String {
    let is_last_row = service.tasks.first().is_some_and(|first| first.id == task.id);
    match task.error.as_str() {
        "" if is_last_row => "Error:".into(),
        "" => String::new(),
        error => format!("\"{error}\""),
    }
}

/// `docker service ps`, newest task first. Nothing for an unknown service.
pub(crate) fn tasks(state: &State, clock: Clock, app_name: &str) -> Vec<Value> {
    let Some(service) = state.services.get(app_name) else { return Vec::new() };
    newest_first(service)
        .map(|task| {
            let ago = human_duration(clock.since(task.since));
            json!({
                "containerId": task.id, "name": format!("{app_name}.1"), "state": task.desired.name(),
                "currentState": format!("{} {ago} ago", task.state.name()), "node": NODE_NAME, "error": error(service, task),
            })
        })
        .collect()
}

/// Name, desired state, current state and error of each task.
pub(crate) fn task_states(state: &State, app_name: &str) -> Value {
    let Some(service) = state.services.get(app_name) else { return json!([]) };
    newest_first(service)
        .map(|task| json!([format!("{app_name}.1"), task.desired.name(), task.state.name(), error(service, task)]))
        .collect()
}

/// The service's row of [`node_apps`], as image and replicas.
pub(crate) fn node_row(state: &State, app_name: &str) -> Value {
    state
        .services
        .get(app_name)
        .map(|service| json!([shown_image(&service.spec.image), replicas(service)]))
        .into_iter()
        .collect()
}

/// `docker service ls` leaves out the digest where there is a tag.
fn shown_image(image: &str) -> &str {
    match image.split_once('@') {
        Some((name, _)) if crate::catalogue::repository(name) != name => name,
        _ => image,
    }
}

fn replicas(service: &Service) -> String {
    let running = service.tasks.iter().filter(|task| task.state == TaskState::Running).count();
    format!("{running}/{}", service.spec.replicas)
}

/// `docker service ls`, by name. Host-mode ports are not shown.
pub(crate) fn node_apps(state: &State) -> Vec<Value> {
    state
        .services
        .values()
        .map(|service| {
            json!({
                "ID": &service.id[..12], "Image": shown_image(&service.spec.image), "Mode": "replicated",
                "Name": service.name, "Ports": "", "Replicas": replicas(service),
            })
        })
        .collect()
}

struct Row<'a> {
    service: &'a Service,
    task: &'a Task,
    container: &'a Container,
}

impl Row<'_> {
    fn name(&self) -> String {
        format!("{}.1.{}", self.service.name, self.task.id)
    }

    fn is_running(&self) -> bool {
        self.container.finished_at.is_none()
    }

    fn status(&self, clock: Clock) -> String {
        let since = if self.is_running() { self.container.started } else { self.task.since };
        let ago = human_duration(clock.since(since)).replacen("less", "Less", 1).replacen("about", "About", 1);
        let health = match self.container.health.map(|health| health.status) {
            None => String::new(),
            Some(Status::Starting) => " (health: starting)".to_owned(),
            Some(status) => format!(" ({})", status.name()),
        };
        if self.is_running() {
            format!("Up {ago}{health}")
        } else {
            format!("Exited ({}) {ago} ago", self.container.exit_code)
        }
    }

    fn state(&self) -> &'static str {
        if self.is_running() { "running" } else { "exited" }
    }
}

fn rows(state: &State) -> impl Iterator<Item = Row<'_>> {
    state.services.values().flat_map(|service| {
        newest_first(service).filter_map(move |task| Some(Row { service, task, container: task.container.as_ref()? }))
    })
}

/// `docker ps -a`, filtered by a part of the name.
pub(crate) fn containers(state: &State, clock: Clock, app_name: &str) -> Vec<Value> {
    rows(state)
        .filter(|row| row.name().contains(app_name))
        .map(|row| {
            json!({
                "containerId": &row.container.id[..12], "name": row.name(), "state": row.state(),
                "status": row.status(clock),
            })
        })
        .collect()
}

/// `docker ps -a`.
pub(crate) fn all_containers(state: &State, clock: Clock) -> Vec<Value> {
    rows(state)
        .map(|row| {
            json!({
                "containerId": &row.container.id[..12], "name": row.name(), "image": row.task.spec.image, "ports": "",
                "state": row.state(), "status": row.status(clock), "serverId": null,
            })
        })
        .collect()
}

/// `docker inspect` by id, a beginning of the id, or name: of a container, else of a task.
pub(crate) fn inspect(state: &State, id: &str) -> Option<Value> {
    let container = rows(state).find(|row| row.container.id.starts_with(id) || row.name() == id);
    container.as_ref().map(inspect_container).or_else(|| inspect_task(state, id))
}

/// A task as Docker describes it; not recorded.
fn inspect_task(state: &State, id: &str) -> Option<Value> {
    let mut tasks = state.services.values().flat_map(|service| service.tasks.iter().map(move |task| (service, task)));
    let (service, task) = tasks.find(|(_, task)| task.id == id)?;
    let container = task.container.as_ref();
    let status = container.map(|it| {
        let running = it.finished_at.is_none();
        json!({ "ContainerID": it.id, "PID": if running { 1646 } else { 0 }, "ExitCode": it.exit_code })
    });
    Some(json!({
        "ID": task.id, "ServiceID": service.id, "NodeID": NODE_ID, "Slot": 1,
        "DesiredState": task.desired.name(),
        "Spec": { "ContainerSpec": {
            "Image": task.spec.image, "Env": task.spec.env, "Command": task.spec.command, "Args": task.spec.args,
        } },
        "Status": { "State": task.state.name().to_lowercase(), "Err": task.error, "ContainerStatus": status },
    }))
}

fn inspect_container(row: &Row<'_>) -> Value {
    let (container, spec, running) = (row.container, &row.task.spec, row.is_running());
    let mut env = container.env.clone();
    env.push("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into());
    let finished = container.finished_at.as_deref().unwrap_or("0001-01-01T00:00:00Z");
    let mut shown = json!({
        "Id": container.id,
        "State": {
            "Status": row.state(), "Running": running, "Paused": false, "Restarting": false, "OOMKilled": false,
            "Dead": false, "Pid": if running { 1646 } else { 0 }, "ExitCode": container.exit_code, "Error": "",
            "StartedAt": container.started_at, "FinishedAt": finished,
        },
        "Image": derived_digest(&format!("image of {}", spec.image)),
        "Config": {
            "Image": spec.image,
            "Env": env,
            "Labels": {
                "com.docker.swarm.node.id": NODE_ID,
                "com.docker.swarm.service.id": row.service.id,
                "com.docker.swarm.service.name": row.service.name,
                "com.docker.swarm.task": "",
                "com.docker.swarm.task.id": row.task.id,
                "com.docker.swarm.task.name": row.name(),
            },
        },
    });
    if let (Some(health), Some(check)) = (container.health, &spec.health) {
        shown["State"]["Health"] =
            json!({ "Status": health.status.name(), "FailingStreak": health.failing, "Log": [] });
        shown["Config"]["Healthcheck"] = check.shown();
    }
    shown
}

/// How much of a program's output the server takes before it stops the program.
const MOST_OUTPUT: usize = 1024 * 1024;

/// `docker container logs` of the newest container that runs. Where none does, `docker service logs`: the tasks' lines one
/// after the other, newest task first, so not in time order.
pub(crate) fn logs(state: &State, app_name: &str, input: &Map<String, Value>) -> String {
    let Some(service) = state.services.get(app_name) else { return String::new() };
    let search = input.get("search").and_then(Value::as_str).unwrap_or_default();
    let containers = || newest_first(service).filter_map(|task| task.container.as_ref());
    let running = containers().find(|container| container.finished_at.is_none());
    let shown: Vec<_> = running.map_or_else(|| containers().collect(), |running| vec![running]);
    let lines = shown.into_iter().flat_map(|container| &container.log);
    let text = lines.filter(|line| line.contains(search)).fold(String::new(), |text, line| text + line + "\n");
    let mut text = tail(&text, input.get("tail"));
    text.truncate(text.floor_char_boundary(MOST_OUTPUT));
    text
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: Option<&Value>) -> String {
    let wanted = lines.and_then(Value::as_u64).and_then(|lines| usize::try_from(lines).ok()).unwrap_or(100);
    let ends: Vec<&str> = text.split_inclusive('\n').collect();
    ends[ends.len().saturating_sub(wanted)..].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_whole_lines() {
        assert_eq!(tail("a\nb\nc\n", Some(&json!(2))), "b\nc\n");
    }
}
