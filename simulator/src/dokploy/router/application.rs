//! `application.*`

use std::sync::Arc;

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, Job, Record, State, find, find_mut, rows, text};
use crate::dokploy::queue;
use crate::swarm::{rollout, view};
use crate::world::World;

pub(super) async fn perform(name: &str, call: &Call) -> Answer {
    call.require_service_access()?;
    match name {
        "create" => create(call),
        "one" => one(call),
        "update" => update(call),
        "saveDockerProvider" => save_docker_provider(call),
        "saveEnvironment" => save_environment(call),
        "deploy" => enqueue(call, "deploy", "Manual deployment"),
        "redeploy" => enqueue(call, "redeploy", "Rebuild deployment"),
        "stop" => scale(call, 0, "idle").await,
        "start" => scale(call, 1, "done").await,
        "reload" => reload(call).await,
        "delete" => delete(call),
        "readLogs" => read_logs(call),
        "search" => Ok(search(call)),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("Application")
}

fn create(call: &Call) -> Answer {
    call.world.write(|state| {
        let environment = call.text("environmentId");
        if find(&state.environments, "environmentId", environment).is_none() {
            return Err(ApiError::not_found("Environment"));
        }
        let application = state.add_application(environment, call.input.clone());
        state.created_by_key.insert(text(&application, "applicationId").to_owned());
        Ok(application.into())
    })
}

/// The record with everything the `one` and `delete` calls nest into it.
fn nested(state: &State, id: &str) -> Result<Record, ApiError> {
    let mut application = find(&state.applications, "applicationId", id).cloned().ok_or_else(not_found)?;
    // Oldest id first: any order that is not by time, as on the real server.
    let mut deployments: Vec<_> = state
        .deployments
        .iter()
        .filter(|deployment| text(&deployment.record, "applicationId") == id)
        .map(|deployment| deployment.record.clone())
        .collect();
    deployments.sort_by(|a, b| text(a, "deploymentId").cmp(text(b, "deploymentId")));
    let table = |table: &[Record]| rows(table, "applicationId", id).cloned().map(Value::Object).collect::<Vec<_>>();
    let environment = state.nested_environment(text(&application, "environmentId"));
    let registry = find(&state.registries, "registryId", text(&application, "registryId")).cloned();
    model::assign(
        &mut application,
        model::record(json!({
            "environment": environment, "domains": table(&state.domains), "deployments": deployments,
            "mounts": table(&state.mounts), "redirects": [], "security": [], "ports": table(&state.ports),
            "gitlab": null, "github": null, "bitbucket": null, "gitea": null, "server": null,
            "previewDeployments": [], "registry": registry, "buildRegistry": null, "rollbackRegistry": null,
        })),
    );
    Ok(application)
}

fn one(call: &Call) -> Answer {
    let mut application = call.world.read(|state| nested(state, call.text("applicationId")))?;
    application.insert("hasGitProviderAccess".into(), true.into());
    application.insert("unauthorizedProvider".into(), Value::Null);
    Ok(application.into())
}

/// Changes fields of the record; `true` is all that the real server answers.
fn change(call: &Call, fields: Record) -> Answer {
    call.world.write(|state| {
        let application = find_mut(&mut state.applications, "applicationId", call.text("applicationId"));
        model::assign(application.ok_or_else(not_found)?, fields);
        Ok(true.into())
    })
}

fn update(call: &Call) -> Answer {
    let mut fields = call.input.clone();
    for ignored in ["applicationId", "appName", "serverId"] {
        fields.shift_remove(ignored);
    }
    if fields.is_empty() {
        return Err(ApiError::internal("No values to set"));
    }
    change(call, fields)
}

fn save_docker_provider(call: &Call) -> Answer {
    let mut fields = call.input.clone();
    fields.insert("sourceType".into(), "docker".into());
    fields.insert("applicationStatus".into(), "idle".into());
    change(call, fields)
}

fn save_environment(call: &Call) -> Answer {
    change(call, call.input.clone())
}

/// Queues a deployment and answers with nothing at all.
fn enqueue(call: &Call, kind: &'static str, default_title: &str) -> Answer {
    call.world.write(|state| {
        let id = call.text("applicationId");
        if find(&state.applications, "applicationId", id).is_none() {
            return Err(not_found());
        }
        state.jobs_made += 1;
        let title = call.input.get("title").and_then(Value::as_str).unwrap_or(default_title);
        state.queue.push(Job {
            id: state.jobs_made,
            application_id: id.to_owned(),
            title: title.to_owned(),
            description: call.text("description").to_owned(),
            kind,
            active: false,
            queued_at: call.world.timestamp(),
        });
        Ok(())
    })?;
    call.world.job_queued.notify_one();
    Ok(Reply::Empty)
}

/// `docker service scale`, which waits until the service has converged and stayed so for five seconds.
async fn scale(call: &Call, replicas: u64, status: &str) -> Answer {
    let answer = call.world.read(|state| nested(state, call.text("applicationId")))?;
    stop_or_start(&call.world, text(&answer, "appName"), replicas).await;
    call.world.write(|state| {
        if let Some(application) = find_mut(&mut state.applications, "applicationId", call.text("applicationId")) {
            application.insert("applicationStatus".into(), status.into());
        }
    });
    Ok(answer.into())
}

/// Scales a service and waits as long as the command does.
pub(crate) async fn stop_or_start(world: &Arc<World>, app_name: &str, replicas: u64) {
    rollout::scale(world, app_name, replicas);
    world.clock.sleep(5_200).await;
}

/// Applies the record to the service again, without pulling.
async fn reload(call: &Call) -> Answer {
    let id = call.text("applicationId");
    let spec = call.world.read(|state| {
        let application = find(&state.applications, "applicationId", id).ok_or_else(not_found)?;
        queue::service_spec(state, application).map_err(ApiError::internal)
    })?;
    call.world.clock.sleep(60).await;
    rollout::check(call.text("appName"), &spec).map_err(ApiError::internal)?;
    rollout::apply(&call.world, call.text("appName"), spec);
    Ok(true.into())
}

fn delete(call: &Call) -> Answer {
    let id = call.text("applicationId");
    let application = call.world.write(|state| {
        let application = nested(state, id)?;
        state.forget_application(id);
        Ok::<_, ApiError>(application)
    })?;
    rollout::remove(&call.world, text(&application, "appName"));
    Ok(application.into())
}

fn read_logs(call: &Call) -> Answer {
    call.world.read(|state| {
        let application =
            find(&state.applications, "applicationId", call.text("applicationId")).ok_or_else(not_found)?;
        Ok(view::logs(state, text(application, "appName"), &call.input).into())
    })
}

/// Shows only what was made with the caller's own key; `name` is a case-insensitive substring.
fn search(call: &Call) -> Reply {
    let wanted = call.text("name").to_lowercase();
    call.world.read(|state| {
        let found: Vec<Value> = state
            .applications
            .iter()
            .filter(|app| state.created_by_key.contains(text(app, "applicationId")))
            .filter(|app| text(app, "name").to_lowercase().contains(&wanted))
            .cloned()
            .map(Value::Object)
            .collect();
        json!({ "items": found, "total": found.len() }).into()
    })
}
