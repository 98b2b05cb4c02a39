//! What lies on the server: the destination and the backup of the database.

use super::{BackupPlan, BackupTools, names};
use crate::DeployError;
use crate::dokploy::{ApiError, Backup, BackupFields, Destination, DestinationFields, Dokploy};
use crate::state::BackupState;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a lost create is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What the destination is to be.
pub(super) fn destination_fields<'a>(
    name: &'a str,
    state: &'a BackupState,
    endpoint: &'a str,
) -> DestinationFields<'a> {
    DestinationFields {
        name,
        provider: "AWS",
        access_key: &state.iam_access_key_id,
        secret_access_key: &state.iam_secret_access_key,
        bucket: &state.bucket_name,
        region: &state.region,
        endpoint,
    }
}

/// What the backup is to be.
pub(super) fn backup_fields<'a>(plan: &'a BackupPlan, prefix: &'a str, destination: &'a str) -> BackupFields<'a> {
    BackupFields {
        schedule: &plan.schedule,
        prefix,
        destination_id: destination,
        keep_latest_count: plan.retention,
        database: &plan.database,
    }
}

/// The destination that the state knows, else the one of this name for this bucket.
pub(super) async fn find_destination(
    client: &Dokploy,
    name: &str,
    state: &BackupState,
) -> Result<Option<Destination>, ApiError> {
    if !state.destination_id.is_empty() {
        match client.destination().one(&state.destination_id).await {
            Err(error) if error.is_not_found() => {}
            found => return found.map(Some),
        }
    }
    let all = client.destination().all().await?;
    Ok(all.into_iter().find(|found| found.name == name && found.bucket == state.bucket_name))
}

/// The destination by which a stage's backups are known again when the state is lost: one of the CLI's name, for a bucket
/// of the CLI's name. Of several the newest.
pub(super) async fn recover(client: &Dokploy, plan: &BackupPlan) -> Result<Option<Destination>, ApiError> {
    let name = names::destination(&plan.workspace, &plan.stage);
    let prefix = names::bucket_prefix(&plan.workspace, &plan.stage);
    let all = client.destination().all().await?;
    Ok(all.into_iter().find(|found| found.name == name && found.bucket.starts_with(&prefix)))
}

/// The backup that the state knows, else the one of this database that goes to this destination.
pub(super) async fn find_backup(
    client: &Dokploy,
    postgres: &str,
    state: &BackupState,
    destination: &str,
) -> Result<Option<Backup>, ApiError> {
    let mut all = client.postgres().backups(postgres).await?;
    let known = all.iter().position(|backup| Some(&backup.backup_id) == state.postgres_backup_id.as_ref());
    let found = known.or_else(|| all.iter().position(|backup| backup.destination_id == destination));
    Ok(found.map(|index| all.swap_remove(index)))
}

/// Makes the destination, or makes it right; returns its id and whether that was needed.
pub(super) async fn make_destination(
    tools: &BackupTools<'_>,
    plan: &BackupPlan,
    state: &BackupState,
    endpoint: &str,
) -> Result<(String, bool), DeployError> {
    let name = names::destination(&plan.workspace, &plan.stage);
    let (client, fields) = (tools.client, destination_fields(&name, state, endpoint));
    let find = || find_destination(client, &name, state);
    if let Some(found) = find().await? {
        if fields.are(&found) {
            return Ok((found.destination_id, false));
        }
        client.repeat(|| client.destination().update(&found.destination_id, &fields)).await?;
        return Ok((found.destination_id, true));
    }
    let send = || async { client.destination().create(&fields).await.map(Some) };
    let made = create(tools.landing, send, find).await?;
    Ok((made.destination_id, true))
}

/// Makes the backup, or makes it right; returns its id and whether that was needed.
pub(super) async fn make_backup(
    tools: &BackupTools<'_>,
    plan: &BackupPlan,
    postgres: &str,
    state: &BackupState,
) -> Result<(String, bool), DeployError> {
    let (client, prefix) = (tools.client, names::folder(&plan.stage));
    let destination = &state.destination_id;
    let fields = backup_fields(plan, &prefix, destination);
    let find = || find_backup(client, postgres, state, destination);
    if let Some(found) = find().await? {
        if fields.are(&found) {
            return Ok((found.backup_id, false));
        }
        client.repeat(|| client.backup().update(&found.backup_id, &fields)).await?;
        return Ok((found.backup_id, true));
    }
    // The server does not answer what it has made.
    let send = || async { client.backup().create(postgres, &fields).await.map(|()| None) };
    let made = create(tools.landing, send, find).await?;
    Ok((made.backup_id, true))
}

/// Creates something once: when the answer is lost or says nothing, it is looked for until `landing` has passed.
async fn create<T, Sent, Found>(
    landing: Duration,
    send: impl Fn() -> Sent,
    find: impl Fn() -> Found,
) -> Result<T, DeployError>
where
    Sent: Future<Output = Result<Option<T>, ApiError>>,
    Found: Future<Output = Result<Option<T>, ApiError>>,
{
    let lost = match send().await {
        Ok(Some(made)) => return Ok(made),
        Ok(None) => None,
        Err(error) if error.outcome_unknown() => Some(error),
        Err(error) => return Err(error.into()),
    };
    let deadline = Instant::now() + landing;
    loop {
        if let Some(found) = find().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            break;
        }
        sleep(LOOK_EVERY.min(landing)).await;
    }
    match lost {
        Some(error) => Err(error.into()),
        None => Err(DeployError::new(
            crate::ErrorCode::BackupFailed,
            "Dokploy says that it has made the backup, and does not show it",
        )),
    }
}
