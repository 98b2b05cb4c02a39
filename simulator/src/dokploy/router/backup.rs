//! `backup.*`: schedules by which a database is copied into a bucket, and copies made at once.

use serde_json::json;

use crate::dokploy::bucket;
use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, Deployment, Record, deployment_template, find, find_mut, rows, text};
use crate::random;
use crate::world::World;

/// How long a copy takes, in milliseconds of the server's time.
const COPY_MILLIS: u64 = 2_000;

pub(super) async fn perform(name: &str, call: &Call) -> Answer {
    call.require_service_access()?;
    match name {
        "create" => create(call),
        "one" => one(call).map(Into::into),
        "update" => update(call),
        "remove" => remove(call),
        "manualBackupPostgres" => copy_now(call).await,
        _ => Err(ApiError::no_endpoint()),
    }
}

/// Answers nothing, not even the id: it shows in `postgres.one`. Two for the same database are two schedules.
fn create(call: &Call) -> Answer {
    let mut made = model::record(json!({
        "backupId": random::nanoid(), "appName": format!("backup-{}", random::letters(6)), "schedule": "",
        "enabled": null, "database": "", "prefix": "", "serviceName": null, "destinationId": "",
        "keepLatestCount": null, "backupType": "database", "databaseType": "postgres", "composeId": null,
        "postgresId": null, "mariadbId": null, "mysqlId": null, "mongoId": null, "libsqlId": null, "userId": null,
        "metadata": null,
    }));
    model::assign(&mut made, call.input.clone());
    call.world.write(|state| {
        let destination = find(&state.destinations, "destinationId", call.text("destinationId"));
        let postgres = find(&state.postgres, "postgresId", call.text("postgresId"));
        if destination.is_none() || postgres.is_none() {
            return Err(ApiError::bad_request("Failed query: insert into \"backup\""));
        }
        state.backups.push(made);
        Ok(Reply::Empty)
    })
}

fn one(call: &Call) -> Result<Record, ApiError> {
    let found = call.world.read(|state| find(&state.backups, "backupId", call.text("backupId")).cloned());
    found.ok_or_else(|| ApiError::not_found("Backup"))
}

/// Whoever asks for one that is gone is told so with 400, as all the router's failures are.
fn existing(call: &Call) -> Result<Record, ApiError> {
    one(call).map_err(|_| ApiError::bad_request("Backup not found"))
}

fn update(call: &Call) -> Answer {
    existing(call)?;
    call.world.write(|state| {
        if let Some(found) = find_mut(&mut state.backups, "backupId", call.text("backupId")) {
            model::assign(found, call.input.clone());
        }
    });
    Ok(Reply::Empty)
}

fn remove(call: &Call) -> Answer {
    let removed = existing(call)?;
    call.world.write(|state| {
        state.backups.retain(|backup| text(backup, "backupId") != text(&removed, "backupId"));
    });
    Ok(removed.into())
}

/// Copies the database and answers when it is done; a row of `deployments` tells of it meanwhile, and after.
async fn copy_now(call: &Call) -> Answer {
    let backup = existing(call)?;
    let id = random::nanoid();
    let begun = row(&id, text(&backup, "backupId"), &call.world.timestamp());
    call.world.write(|state| state.deployments.push(begun));
    call.world.clock.sleep(COPY_MILLIS).await;
    let copied = copy(&call.world, &backup).await;
    let finished_at = call.world.timestamp();
    call.world.write(|state| {
        let row = state.deployments.iter_mut().find(|row| text(&row.record, "deploymentId") == id);
        let Some(row) = row else { return };
        let status = if copied.is_ok() { "done" } else { "error" };
        model::assign(&mut row.record, model::record(json!({ "status": status, "finishedAt": finished_at })));
        row.log.push_str(match &copied {
            Ok(()) => "Backup done ✅\n",
            Err(error) => error,
        });
    });
    copied.map_err(ApiError::bad_request)?;
    Ok(true.into())
}

fn row(id: &str, backup: &str, now: &str) -> Deployment {
    let mut record = deployment_template();
    model::assign(
        &mut record,
        model::record(json!({
            "deploymentId": id, "title": "Initializing Backup", "description": "Initializing Backup",
            "applicationId": null, "backupId": backup, "createdAt": now, "startedAt": now,
        })),
    );
    Deployment { record, log: "Starting backup process...\n".to_owned() }
}

async fn copy(world: &World, backup: &Record) -> Result<(), String> {
    let (destination, postgres, running) = world.read(|state| {
        let destination = find(&state.destinations, "destinationId", text(backup, "destinationId")).cloned();
        let postgres = rows(&state.postgres, "postgresId", text(backup, "postgresId")).next().cloned();
        let service = postgres.as_ref().and_then(|postgres| state.services.get(text(postgres, "appName")));
        (destination, postgres, service.is_some_and(crate::swarm::Service::is_running))
    });
    let (Some(destination), Some(postgres)) = (destination, postgres) else {
        return Err("Destination not found".to_owned());
    };
    if !running {
        return Err("❌ Error: Container not found".to_owned());
    }
    let folder = text(backup, "prefix").trim_matches('/');
    let key = format!("{}/{folder}/{}.sql.gz", text(&postgres, "appName"), world.timestamp());
    bucket::request(&destination, "PUT", &key, text(backup, "database").as_bytes()).await
}
