//! `environment.*`

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, Record, State, find, find_mut, rows, text};
use crate::random;
use crate::world::Access;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    if call.access == Access::Member {
        return Err(ApiError::forbidden("You are not allowed to access this environment"));
    }
    match name {
        "one" => one(call),
        "byProjectId" => Ok(by_project(call)),
        "create" => create(call),
        "update" => update(call),
        "remove" => remove(call),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("Environment")
}

/// The applications of an environment as its listings show them: without appName.
fn applications(state: &State, environment: &str) -> Vec<Value> {
    rows(&state.applications, "environmentId", environment)
        .map(|app| {
            json!({
                "name": app["name"], "applicationId": app["applicationId"], "createdAt": app["createdAt"],
                "applicationStatus": app["applicationStatus"], "description": app["description"],
                "serverId": app["serverId"], "icon": app["icon"], "server": null,
            })
        })
        .collect()
}

fn postgres(state: &State, environment: &str) -> Vec<Value> {
    rows(&state.postgres, "environmentId", environment)
        .map(|db| {
            json!({
                "postgresId": db["postgresId"], "name": db["name"], "description": db["description"],
                "createdAt": db["createdAt"], "applicationStatus": db["applicationStatus"],
                "serverId": db["serverId"], "server": null,
            })
        })
        .collect()
}

fn redis(state: &State, environment: &str) -> Vec<Value> {
    rows(&state.redis, "environmentId", environment)
        .map(|db| {
            json!({
                "redisId": db["redisId"], "name": db["name"], "createdAt": db["createdAt"],
                "applicationStatus": db["applicationStatus"], "description": db["description"],
                "serverId": db["serverId"], "server": null,
            })
        })
        .collect()
}

fn project_of(state: &State, environment: &Record) -> Value {
    find(&state.projects, "projectId", text(environment, "projectId")).cloned().map_or(Value::Null, Value::Object)
}

fn one(call: &Call) -> Answer {
    call.world.read(|state| {
        let id = call.text("environmentId");
        let environment = find(&state.environments, "environmentId", id).ok_or_else(not_found)?;
        Ok(json!({
            "name": environment["name"], "description": environment["description"], "environmentId": id,
            "isDefault": environment["isDefault"], "projectId": environment["projectId"], "env": environment["env"],
            "applications": applications(state, id), "mariadb": [], "mongo": [], "mysql": [],
            "postgres": postgres(state, id), "redis": redis(state, id), "compose": [], "libsql": [],
            "project": project_of(state, environment),
        })
        .into())
    })
}

fn by_project(call: &Call) -> Reply {
    call.world.read(|state| {
        let environments = rows(&state.environments, "projectId", call.text("projectId")).map(|environment| {
            let id = text(environment, "environmentId");
            json!({
                "name": environment["name"], "description": environment["description"], "environmentId": id,
                "isDefault": environment["isDefault"], "applications": applications(state, id), "mariadb": [],
                "mongo": [], "mysql": [], "postgres": postgres(state, id), "redis": redis(state, id), "compose": [],
                "libsql": [], "project": project_of(state, environment),
            })
        });
        environments.collect::<Vec<_>>().into()
    })
}

fn create(call: &Call) -> Answer {
    if call.text("name") == "production" {
        return Err(ApiError::bad_request("You cannot create a environment with the name 'production'"));
    }
    let description = call.input.get("description").cloned().unwrap_or_default();
    call.world.write(|state| {
        let project = call.text("projectId");
        if find(&state.projects, "projectId", project).is_none() {
            return Err(ApiError::bad_request(missing_project(call, &description, project)));
        }
        Ok(state.add_environment(call.text("name"), &description, project, false).into())
    })
}

/// A foreign key that misses: the server shows its SQL with the parameters.
fn missing_project(call: &Call, description: &Value, project: &str) -> String {
    let (name, now) = (call.text("name"), call.world.timestamp());
    let columns = "\"environmentId\", \"name\", \"description\", \"createdAt\", \"env\", \"projectId\", \"isDefault\"";
    let (values, shown) = match description.as_str() {
        None => ("$1, $2, default, $3, default, $4, default", String::new()),
        Some(description) => ("$1, $2, $3, $4, default, $5, default", format!("{description},")),
    };
    format!(
        "Error creating the environment: Failed query: insert into \"environment\" ({columns}) values ({values}) \
         returning {columns}\nparams: {},{name},{shown}{},{project}",
        random::nanoid(),
        now
    )
}

fn update(call: &Call) -> Answer {
    call.world.write(|state| {
        let environment =
            find_mut(&mut state.environments, "environmentId", call.text("environmentId")).ok_or_else(not_found)?;
        model::assign(environment, call.input.clone());
        Ok(environment.clone().into())
    })
}

fn remove(call: &Call) -> Answer {
    call.world.write(|state| {
        let id = call.text("environmentId");
        let environment = find(&state.environments, "environmentId", id).cloned().ok_or_else(not_found)?;
        if environment["isDefault"] == true {
            return Err(ApiError::bad_request("You cannot delete the default environment"));
        }
        if state.has_services(id) {
            let message = "Cannot delete environment: it has active services. Delete all services first.";
            return Err(ApiError::bad_request(message));
        }
        state.cascade_environment(id);
        Ok(environment.into())
    })
}
