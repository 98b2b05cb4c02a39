//! `project.*`

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, Record, State, find, find_mut, rows, text};
use crate::world::Access;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    match name {
        "all" => Ok(all(call)),
        "one" => one(call),
        "create" => create(call),
        "update" => update(call),
        "remove" => remove(call),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn all(call: &Call) -> Reply {
    if call.access == Access::Member {
        return json!([]).into();
    }
    call.world
        .read(|state| state.projects.iter().rev().map(|project| listed(state, project)).collect::<Vec<_>>())
        .into()
}

/// A project in `project.all`: only applications carry names, databases are bare ids.
fn listed(state: &State, project: &Record) -> Value {
    let environments = rows(&state.environments, "projectId", text(project, "projectId")).map(|environment| {
        let id = text(environment, "environmentId");
        let applications = rows(&state.applications, "environmentId", id)
            .map(|app| json!({ "applicationId": app["applicationId"], "name": app["name"], "applicationStatus": app["applicationStatus"] }));
        let postgres = rows(&state.postgres, "environmentId", id).map(|db| json!({ "postgresId": db["postgresId"] }));
        let redis = rows(&state.redis, "environmentId", id).map(|db| json!({ "redisId": db["redisId"] }));
        json!({
            "name": environment["name"], "environmentId": id, "isDefault": environment["isDefault"],
            "applications": applications.collect::<Vec<_>>(), "mariadb": [], "mongo": [], "mysql": [],
            "postgres": postgres.collect::<Vec<_>>(), "redis": redis.collect::<Vec<_>>(), "compose": [], "libsql": [],
        })
    });
    let mut project = project.clone();
    project.insert("environments".into(), environments.collect::<Vec<_>>().into());
    project.insert("projectTags".into(), json!([]));
    project.into()
}

fn one(call: &Call) -> Answer {
    call.require_service_access()?;
    call.world.read(|state| {
        let mut project = find(&state.projects, "projectId", call.text("projectId"))
            .cloned()
            .ok_or_else(|| ApiError::not_found("Project"))?;
        let environments = rows(&state.environments, "projectId", call.text("projectId")).map(|environment| {
            let id = text(environment, "environmentId");
            let table =
                |table: &[Record]| rows(table, "environmentId", id).cloned().map(Value::Object).collect::<Vec<_>>();
            let mut environment = environment.clone();
            model::assign(
                &mut environment,
                model::record(json!({
                    "applications": table(&state.applications), "compose": [], "libsql": [], "mariadb": [], "mongo": [],
                    "mysql": [], "postgres": table(&state.postgres), "redis": table(&state.redis),
                })),
            );
            Value::Object(environment)
        });
        project.insert("environments".into(), environments.collect::<Vec<_>>().into());
        project.insert("projectTags".into(), json!([]));
        Ok(project.into())
    })
}

fn create(call: &Call) -> Answer {
    if call.access == Access::Member {
        // The router wraps whatever went wrong.
        let message = "Error creating the project: unauthorized to access resource \"project\"";
        return Err(ApiError::bad_request(message));
    }
    let description = call.input.get("description").cloned().unwrap_or_default();
    let (project, environment) =
        call.world.write(|state| state.add_project(call.text("name"), &description, call.text("env")));
    Ok(json!({ "project": project, "environment": environment }).into())
}

fn update(call: &Call) -> Answer {
    call.require_permission("project")?;
    call.world.write(|state| {
        let project = find_mut(&mut state.projects, "projectId", call.text("projectId"))
            .ok_or_else(|| ApiError::not_found("Project"))?;
        model::assign(project, call.input.clone());
        Ok(project.clone().into())
    })
}

/// Removes the rows below the project without a check: their swarm services keep running as orphans.
fn remove(call: &Call) -> Answer {
    call.require_permission("project")?;
    call.world.write(|state| {
        let id = call.text("projectId");
        let project = find(&state.projects, "projectId", id).cloned().ok_or_else(|| ApiError::not_found("Project"))?;
        let environments: Vec<String> =
            rows(&state.environments, "projectId", id).map(|e| text(e, "environmentId").to_owned()).collect();
        for environment in environments {
            state.cascade_environment(&environment);
        }
        state.projects.retain(|project| text(project, "projectId") != id);
        Ok(project.into())
    })
}
