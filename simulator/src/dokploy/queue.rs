//! The deployment queue: one worker per server, first in, first out, in memory only.

use std::sync::Arc;

use serde_json::{Value, json};

use super::dotenv;
use super::model::{self, Deployment, Job, Record, State, deployment_template, find, find_mut, rows, text};
use crate::catalogue::{registry_host, repository};
use crate::image::Image;
use crate::random;
use crate::swarm::{HealthCheck, Order, Spec, rollout};
use crate::world::World;

/// The real server keeps about this many deployments of an application.
const KEPT_DEPLOYMENTS: usize = 10;

/// Starts the worker; it ends with the world's current worker token.
pub(crate) fn start(world: &Arc<World>) {
    let token = world.worker_token();
    let worker = Arc::clone(world);
    world.spawn(async move {
        token.run_until_cancelled(work(worker)).await;
    });
}

async fn work(world: Arc<World>) {
    loop {
        let next = world.write(|state| {
            let job = state.queue.first_mut()?;
            job.active = true;
            Some(job.clone())
        });
        let Some(job) = next else {
            world.job_queued.notified().await;
            continue;
        };
        world.clock.sleep(10).await;
        run(&world, &job).await;
        world.write(|state| state.queue.retain(|queued| queued.id != job.id));
    }
}

/// Restarts the server: its queue is lost, and a new worker starts.
pub(crate) fn restart(world: &Arc<World>) {
    world.replace_worker();
    world.write(lose);
    start(world);
}

/// What a server restart does to the queue: waiting jobs vanish, the running one becomes `cancelled`.
fn lose(state: &mut State) {
    state.queue.clear();
    let now = state.wall_clock.timestamp();
    let State { deployments, applications, .. } = state;
    for deployment in deployments.iter_mut().filter(|deployment| text(&deployment.record, "status") == "running") {
        deployment.record.insert("status".into(), "cancelled".into());
        deployment.record.insert("finishedAt".into(), now.clone().into());
        if let Some(app) = find_mut(applications, "applicationId", text(&deployment.record, "applicationId")) {
            app.insert("applicationStatus".into(), "idle".into());
        }
    }
}

async fn run(world: &Arc<World>, job: &Job) {
    let started = world.write(|state| {
        let application = find_mut(&mut state.applications, "applicationId", &job.application_id)?;
        application.insert("applicationStatus".into(), "running".into());
        let application = application.clone();
        Some((add_row(state, job, &application), application))
    });
    let Some((deployment, application)) = started else { return };
    let result = deploy(world, &deployment, &application).await;
    if let Err(error) = &result {
        log(world, &deployment, &format!("{error}\nError occurred ❌, check the logs for details.\n"));
    }
    let status = if result.is_ok() { "done" } else { "error" };
    world.write(|state| {
        if let Some(row) = row(state, &deployment) {
            row.record.insert("status".into(), status.into());
            row.record.insert("finishedAt".into(), world.timestamp().into());
        }
        if let Some(application) = find_mut(&mut state.applications, "applicationId", &job.application_id) {
            application.insert("applicationStatus".into(), status.into());
        }
    });
}

fn add_row(state: &mut State, job: &Job, application: &Record) -> String {
    let now = state.wall_clock.timestamp();
    let app_name = text(application, "appName");
    let stamp = now.get(..19).unwrap_or(&now).replacen('T', ":", 1);
    let mut row = deployment_template();
    let id = random::nanoid();
    model::assign(
        &mut row,
        model::record(json!({
            "deploymentId": id, "title": job.title, "description": job.description, "status": "running",
            "logPath": format!("/etc/dokploy/logs/{app_name}/{app_name}-{stamp}.log"),
            "applicationId": job.application_id, "createdAt": now, "startedAt": now, "finishedAt": null,
        })),
    );
    state.deployments.push(Deployment { record: row, log: "Initializing deployment\n".into() });
    let of_app = |deployment: &Deployment| text(&deployment.record, "applicationId") == job.application_id;
    let surplus = state.deployments.iter().filter(|row| of_app(row)).count().saturating_sub(KEPT_DEPLOYMENTS);
    for _ in 0..surplus {
        if let Some(oldest) = state.deployments.iter().position(of_app) {
            state.deployments.remove(oldest);
        }
    }
    id
}

fn row<'a>(state: &'a mut State, id: &str) -> Option<&'a mut Deployment> {
    state.deployments.iter_mut().find(|row| text(&row.record, "deploymentId") == id)
}

fn log(world: &World, deployment: &str, text: &str) {
    world.write(|state| {
        if let Some(row) = row(state, deployment) {
            row.log.push_str(text);
        }
    });
}

/// One deployment: pull the image, then create or update the service. The error is the end of the log.
async fn deploy(world: &Arc<World>, deployment: &str, application: &Record) -> Result<(), String> {
    let reference = text(application, "dockerImage");
    if text(application, "sourceType") != "docker" || reference.is_empty() {
        world.clock.sleep(30).await;
        return Err("Error: Source not configured".into());
    }
    log(world, deployment, &format!("Pulling {reference}\n"));
    let credentials = (text(application, "username"), text(application, "password"));
    let logged_in = if credentials.0.is_empty() || credentials.1.is_empty() {
        false
    } else {
        let host = Some(text(application, "registryUrl")).filter(|url| !url.is_empty());
        login(world, host.unwrap_or("docker.io"), credentials)
            .await
            .map_err(|error| format!("{error}\n❌ Login failed\n"))?;
        log(world, deployment, "Login Succeeded\n");
        true
    };
    let pulled = pull(world, reference, logged_in.then_some(credentials)).await;
    log(world, deployment, &pulled.map_err(|error| format!("{error}\n❌ Pulling image failed\n"))?);
    log(world, deployment, "✅ Pulling image completed.\n");
    let id = text(application, "applicationId");
    // The job works with the record as it was when the job began; ports and mounts are read now.
    let spec = world.read(|state| service_spec(state, application)).map_err(|error| format!("\n{error}"))?;
    rollout::check(text(application, "appName"), &spec)?;
    if world.read(|state| find(&state.applications, "applicationId", id).is_some()) {
        rollout::apply(world, text(application, "appName"), spec);
    }
    Ok(())
}

/// `docker login`.
///
/// # Errors
///
/// What docker prints.
pub(crate) async fn login(world: &World, host: &str, (user, password): (&str, &str)) -> Result<(), String> {
    world.clock.sleep(30).await;
    if world.images(|catalogue| catalogue.accepts(host, user, password)) {
        return Ok(());
    }
    Err(format!("Error response from daemon: login attempt to http://{host}/v2/ failed with status: 401 Unauthorized"))
}

/// `docker pull`: what it prints.
///
/// # Errors
///
/// What docker prints when it fails.
pub(crate) async fn pull(world: &World, reference: &str, login: Option<(&str, &str)>) -> Result<String, String> {
    let (image, needed) = world.images(|catalogue| {
        let image = catalogue.get(reference);
        let needed = catalogue.needed_login(&image);
        (image, needed)
    });
    let cached = world.images(|catalogue| catalogue.is_pulled(&image));
    world.clock.sleep(if cached { 50 } else { 50 + image.pull_millis() }).await;
    if let Some(needed) = needed {
        let host = registry_host(reference);
        let of_server = world.read(|state| state.logins.get(host).cloned());
        let given = login.map(|(user, password)| (user.to_owned(), password.to_owned())).or(of_server);
        if given != Some(needed) {
            return Err(format!("Error response from daemon: Head \"http://{host}/v2/\": no basic auth credentials"));
        }
    }
    if image.is_absent() {
        return Err(format!(
            "Error response from daemon: manifest for {reference} not found: manifest unknown: manifest unknown"
        ));
    }
    Ok(pull_report(world, reference, &image))
}

fn pull_report(world: &World, reference: &str, image: &Image) -> String {
    let repository = repository(reference);
    let path = match registry_host(reference) {
        "docker.io" => repository,
        host => repository.strip_prefix(host).unwrap_or(repository).trim_start_matches('/'),
    };
    let tag = match reference.split_once('@') {
        Some(_) => reference,
        None => reference[repository.len()..].strip_prefix(':').unwrap_or("latest"),
    };
    let status =
        if world.images(|catalogue| catalogue.pull(image)) { "Downloaded newer image" } else { "Image is up to date" };
    let digest = image.manifest_digest();
    format!("{tag}: Pulling from {path}\nDigest: {digest}\nStatus: {status} for {reference}\n{reference}\n")
}

/// The service that an application's record asks for.
///
/// # Errors
///
/// The server's message when the environment text does not resolve.
pub(crate) fn service_spec(state: &State, application: &Record) -> Result<Spec, String> {
    let environment = find(&state.environments, "environmentId", text(application, "environmentId"));
    let project = environment.and_then(|e| find(&state.projects, "projectId", text(e, "projectId")));
    let env_of = |record: Option<&Record>| record.map(|record| text(record, "env").to_owned()).unwrap_or_default();
    let env = dotenv::container_env(text(application, "env"), &env_of(project), &env_of(environment))?;
    let host_ports = rows(&state.ports, "applicationId", text(application, "applicationId"))
        .filter(|port| text(port, "publishMode") == "host")
        .filter_map(|port| port["publishedPort"].as_i64())
        .collect();
    let args = application["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(Spec {
        image: text(application, "dockerImage").to_owned(),
        env,
        replicas: application["replicas"].as_u64().unwrap_or(1),
        command: text(application, "command").split_whitespace().map(str::to_owned).collect(),
        args: args.map(str::to_owned).collect(),
        restart: serde_json::from_value(application["restartPolicySwarm"].clone()).unwrap_or_default(),
        health: serde_json::from_value(application["healthCheckSwarm"].clone()).ok().filter(HealthCheck::is_one),
        host_ports,
        order: Order::StartFirst,
        database: None,
    })
}
