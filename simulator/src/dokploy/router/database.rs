//! What `postgres.*` and `redis.*` have in common.

use std::sync::Arc;

use serde_json::{Value, json};

use super::application;
use crate::dokploy::call::{Answer, Call};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, Record, State, find, find_mut, rows, text};
use crate::dokploy::{dotenv, queue};
use crate::random;
use crate::swarm::{Database, Order, Spec, ports, rollout, view};
use crate::world::World;

/// One of the two kinds of database service.
pub(super) struct Kind {
    /// Its name in error messages.
    pub(super) label: &'static str,
    /// Its router and service type.
    pub(super) router: &'static str,
    pub(super) id: &'static str,
    pub(super) template: fn() -> Record,
    pub(super) table: fn(&State) -> &Vec<Record>,
    pub(super) table_mut: fn(&mut State) -> &mut Vec<Record>,
    pub(super) has_backups: bool,
}

impl Kind {
    fn find<'a>(&self, state: &'a State, id: &str) -> Result<&'a Record, ApiError> {
        find((self.table)(state), self.id, id).ok_or_else(|| ApiError::not_found(self.label))
    }

    fn change(&self, world: &World, id: &str, field: &str, value: impl Into<Value>) {
        world.write(|state| {
            if let Some(record) = find_mut((self.table_mut)(state), self.id, id) {
                record.insert(field.into(), value.into());
            }
        });
    }

    fn app_name(&self, call: &Call) -> Result<String, ApiError> {
        call.world.read(|state| self.find(state, call.text(self.id)).map(|record| text(record, "appName").to_owned()))
    }

    fn nested(&self, state: &State, id: &str) -> Result<Record, ApiError> {
        let mut record = self.find(state, id)?.clone();
        let environment = state.nested_environment(text(&record, "environmentId"));
        let mounts: Vec<_> = rows(&state.mounts, self.id, id).cloned().map(Value::Object).collect();
        let nested = json!({ "environment": environment, "mounts": mounts, "server": null });
        model::assign(&mut record, model::record(nested));
        if self.has_backups {
            record.insert("backups".into(), json!([]));
        }
        Ok(record)
    }
}

pub(super) async fn perform(kind: &Kind, name: &str, call: &Call) -> Answer {
    call.require_service_access()?;
    match name {
        "create" => create(kind, call),
        "one" => one(kind, call),
        "deploy" => deploy(kind, call).await,
        "saveExternalPort" => save_external_port(kind, call).await,
        "update" => update(kind, call),
        "changePassword" => change_password(kind, call).await,
        "stop" => scale(kind, call, 0, "idle").await,
        "start" => scale(kind, call, 1, "done").await,
        "remove" => remove(kind, call),
        "readLogs" => read_logs(kind, call),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn create(kind: &Kind, call: &Call) -> Answer {
    let mut record = (kind.template)();
    let app_name = model::app_name(&call.input, kind.router);
    model::assign(&mut record, call.input.clone());
    let id = random::nanoid();
    model::assign(
        &mut record,
        model::record(json!({ kind.id: id, "appName": app_name, "createdAt": call.world.timestamp() })),
    );
    if text(&record, "databasePassword").is_empty() {
        record.insert("databasePassword".into(), random::letters(16).into());
    }
    let mut mount = model::mount_template();
    model::assign(
        &mut mount,
        model::record(json!({
            "mountId": random::nanoid(), "volumeName": format!("{app_name}-data"), "serviceType": kind.router,
            "mountPath": data_path(text(&record, "dockerImage"), kind), kind.id: id,
        })),
    );
    call.world.write(|state| {
        if find(&state.environments, "environmentId", call.text("environmentId")).is_none() {
            return Err(ApiError::not_found("Environment"));
        }
        (kind.table_mut)(state).push(record.clone());
        state.mounts.push(mount);
        Ok(record.into())
    })
}

/// Where the volume is mounted: decided once, from the image at creation.
fn data_path(image: &str, kind: &Kind) -> String {
    if kind.router == "redis" {
        return "/data".into();
    }
    let digits = |tag: &str| tag.chars().take_while(char::is_ascii_digit).collect::<String>();
    let major = image.split_once("postgres:").and_then(|(_, tag)| digits(tag).parse::<u32>().ok());
    match major {
        Some(major) if major >= 18 => format!("/var/lib/postgresql/{major}/docker"),
        _ => "/var/lib/postgresql/data".into(),
    }
}

fn one(kind: &Kind, call: &Call) -> Answer {
    call.world.read(|state| kind.nested(state, call.text(kind.id))).map(Into::into)
}

/// Answers with the record as it was before the work.
async fn deploy(kind: &Kind, call: &Call) -> Answer {
    let before = call.world.read(|state| kind.nested(state, call.text(kind.id)))?;
    roll_out(kind, &call.world, call.text(kind.id)).await?;
    Ok(before.into())
}

async fn roll_out(kind: &Kind, world: &Arc<World>, id: &str) -> Result<(), ApiError> {
    kind.change(world, id, "applicationStatus", "running");
    let record = world.read(|state| kind.find(state, id).cloned())?;
    let result = start_service(kind, world, &record).await;
    kind.change(world, id, "applicationStatus", if result.is_ok() { "done" } else { "error" });
    result.map_err(|error| ApiError::internal(format!("Error on deploy {}Error: {error}", kind.router)))
}

async fn start_service(kind: &Kind, world: &Arc<World>, record: &Record) -> Result<(), String> {
    let image = text(record, "dockerImage");
    queue::pull(world, image, None).await?;
    world.clock.sleep(30).await;
    let external = record["externalPort"].as_f64().unwrap_or(0.0);
    if external < 0.0 || external.fract() != 0.0 {
        return Err(format!("(HTTP code 400) unexpected - invalid published port {external}"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole; anything above 65535 is meaningless anyway"
    )]
    let port = external as i64;
    let database = Database {
        user: text(record, "databaseUser").to_owned(),
        password: text(record, "databasePassword").to_owned(),
        name: text(record, "databaseName").to_owned(),
        is_postgres: kind.router == "postgres",
    };
    let spec = Spec {
        image: image.to_owned(),
        env: container_env(record, &database)?,
        replicas: 1,
        host_ports: (port != 0).then_some(port).into_iter().collect(),
        order: Order::StopFirst,
        database: Some(database),
        ..Spec::default()
    };
    rollout::check(text(record, "appName"), &spec)?;
    rollout::apply(world, text(record, "appName"), spec);
    Ok(())
}

fn container_env(record: &Record, database: &Database) -> Result<Vec<String>, String> {
    let mut env = Vec::new();
    if database.is_postgres {
        env.push(format!("POSTGRES_DB={}", database.name));
        env.push(format!("POSTGRES_USER={}", database.user));
        env.push(format!("POSTGRES_PASSWORD={}", database.password));
    } else {
        env.push(format!("REDIS_PASSWORD={}", database.password));
    }
    env.extend(dotenv::container_env(text(record, "env"), "", "")?);
    Ok(env)
}

/// Checks the port, then saves it, then deploys. Only the check is left out when closing, so a close that is sent
/// after an open overtakes it, and the open's save comes last.
async fn save_external_port(kind: &Kind, call: &Call) -> Answer {
    let id = call.text(kind.id);
    call.world.read(|state| kind.find(state, id).map(drop))?;
    let port = call.input.get("externalPort").cloned().unwrap_or_default();
    if let Some(port) = port.as_f64().filter(|port| *port != 0.0) {
        ports::check(&call.world, port).await?;
    }
    let before = call.world.write(|state| {
        let before = kind.nested(state, id)?;
        if let Some(record) = find_mut((kind.table_mut)(state), kind.id, id) {
            record.insert("externalPort".into(), port);
        }
        Ok::<_, ApiError>(before)
    })?;
    roll_out(kind, &call.world, id).await?;
    Ok(before.into())
}

/// Changes the record only: no port check, no deployment, and the database's own password stays.
fn update(kind: &Kind, call: &Call) -> Answer {
    let mut fields = call.input.clone();
    for ignored in [kind.id, "appName"] {
        fields.shift_remove(ignored);
    }
    if fields.is_empty() {
        return Err(ApiError::internal("No values to set"));
    }
    call.world.write(|state| {
        let record = find_mut((kind.table_mut)(state), kind.id, call.text(kind.id));
        model::assign(record.ok_or_else(|| ApiError::not_found(kind.label))?, fields);
        Ok(true.into())
    })
}

async fn change_password(kind: &Kind, call: &Call) -> Answer {
    let app_name = kind.app_name(call)?;
    let (running, user) = call.world.read(|state| {
        let user = kind.find(state, call.text(kind.id)).map(|record| text(record, "databaseUser").to_owned());
        (state.services.get(&app_name).is_some_and(crate::swarm::Service::is_running), user)
    });
    if !running {
        return Err(ApiError::internal(format!("No running container found for {app_name}")));
    }
    let password = call.text("password");
    call.world.backend.change_password(&app_name, &user?, password).await.map_err(ApiError::internal)?;
    kind.change(&call.world, call.text(kind.id), "databasePassword", password);
    Ok(true.into())
}

async fn scale(kind: &Kind, call: &Call, replicas: u64, status: &str) -> Answer {
    let answer = call.world.read(|state| kind.nested(state, call.text(kind.id)))?;
    application::stop_or_start(&call.world, text(&answer, "appName"), replicas).await;
    kind.change(&call.world, call.text(kind.id), "applicationStatus", status);
    Ok(answer.into())
}

/// The row goes at once, the container within seconds; the volume stays.
fn remove(kind: &Kind, call: &Call) -> Answer {
    let id = call.text(kind.id);
    let record = call.world.write(|state| {
        let record = kind.nested(state, id)?;
        (kind.table_mut)(state).retain(|record| text(record, kind.id) != id);
        state.mounts.retain(|mount| text(mount, kind.id) != id);
        Ok::<_, ApiError>(record)
    })?;
    rollout::remove(&call.world, text(&record, "appName"));
    Ok(record.into())
}

fn read_logs(kind: &Kind, call: &Call) -> Answer {
    let app_name = kind.app_name(call)?;
    Ok(call.world.read(|state| view::logs(state, &app_name, &call.input)).into())
}
