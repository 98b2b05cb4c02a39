//! Setting backups up: each part is looked for, made where it is missing, and remembered before the next needs it.

use super::account::Account;
use super::server::{destination_fields, make_backup, make_destination, recover};
use super::{BackupPlan, BackupTools, names};
use crate::dokploy::Destination;
use crate::state::{BackupState, SharedState};
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

/// How long between two tries of a key that the store may not know yet.
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ensured {
    /// What was made or changed, in words for a report.
    pub changes: Vec<String>,
    /// What the user should know: the server cannot write to the bucket, or a forgotten key went.
    pub warnings: Vec<String>,
}

/// Makes sure that a database is backed up; safe to repeat.
///
/// # Errors
///
/// `BACKUP_FAILED` when AWS refuses or fails a call, the codes of Dokploy's calls, and those of the state's provider.
pub async fn ensure_backups(
    plan: &BackupPlan,
    postgres: &str,
    tools: &BackupTools<'_>,
    state: &SharedState,
) -> Result<Ensured, DeployError> {
    let mut done = Ensured::default();
    name(plan, tools, state, &mut done).await?;
    let region = backups(state)?.region;
    let account = Account::new(&backups(state)?.bucket_name, &region, tools.aws)?;
    if account.make_bucket().await? {
        done.changes.push(format!("bucket {}", backups(state)?.bucket_name));
    }
    account.make_user(&backups(state)?).await?;
    key(&account, tools, state, &mut done).await?;
    let endpoint = Account::endpoint(tools.aws, &region)?;
    let (destination, changed) = make_destination(tools, plan, &backups(state)?, &endpoint).await?;
    change(state, |backups| backups.destination_id.clone_from(&destination)).await?;
    if changed {
        done.changes.push(format!("destination {}", names::destination(&plan.workspace, &plan.stage)));
        done.warnings.extend(test(plan, tools, &backups(state)?, &endpoint).await?);
    }
    let (backup, changed) = make_backup(tools, plan, postgres, &backups(state)?).await?;
    change(state, |backups| backups.postgres_backup_id = Some(backup)).await?;
    if changed {
        done.changes.push(format!("schedule {}", plan.schedule));
    }
    Ok(done)
}

/// What the state has; it has it once [`name`] has been through.
fn backups(state: &SharedState) -> Result<BackupState, DeployError> {
    let missing = || DeployError::new(ErrorCode::Internal, "The backups have no name");
    state.snapshot().backups.clone().ok_or_else(missing)
}

async fn change(state: &SharedState, change: impl FnOnce(&mut BackupState)) -> Result<(), DeployError> {
    state.update(|state| state.backups.as_mut().map(change)).await.map(drop)
}

/// Chooses names, or finds those of a lost state on the server, and keeps them before anything bears them.
async fn name(
    plan: &BackupPlan,
    tools: &BackupTools<'_>,
    state: &SharedState,
    done: &mut Ensured,
) -> Result<(), DeployError> {
    if state.snapshot().backups.is_some() {
        return Ok(());
    }
    let recovered = recover(tools.client, plan).await?;
    if let Some(found) = &recovered {
        done.warnings.push(format!("the backups were recovered from the destination {} of the server", found.name));
    }
    let named = named(plan, tools, recovered);
    state.update(|state| state.backups.get_or_insert(named).created_at.clone()).await.map(drop)
}

fn named(plan: &BackupPlan, tools: &BackupTools<'_>, recovered: Option<Destination>) -> BackupState {
    let user = names::user(&plan.workspace, &plan.stage);
    let now = (tools.now)();
    let created_at = now.format(&Rfc3339).unwrap_or_else(|_| now.to_string());
    let Some(found) = recovered else {
        let bucket = names::bucket(&plan.workspace, &plan.stage, tools.entropy);
        let region = tools.aws.region_or_default();
        let arn = names::bucket_arn(&bucket, &region);
        return BackupState { created_at, ..BackupState::new(bucket, arn, user, region) };
    };
    let arn = names::bucket_arn(&found.bucket, &found.region);
    BackupState {
        iam_access_key_id: found.access_key,
        iam_secret_access_key: found.secret_access_key,
        destination_id: found.destination_id,
        created_at,
        ..BackupState::new(found.bucket, arn, user, found.region)
    }
}

/// Makes an access key where there is none that the user has.
async fn key(
    account: &Account,
    tools: &BackupTools<'_>,
    state: &SharedState,
    done: &mut Ensured,
) -> Result<(), DeployError> {
    let known = backups(state)?;
    if account.has_key(&known).await? {
        return Ok(());
    }
    let used = used_key(tools, &known.destination_id).await;
    let (key, gone) = account.make_key(&known.iam_user_name, &used).await?;
    if let Some(gone) = gone {
        done.warnings
            .push(format!("the access key {gone} of {}, which nobody knew any more, is gone", known.iam_user_name));
    }
    done.changes.push(format!("access key {}", key.access_key_id));
    change(state, |backups| {
        backups.iam_access_key_id = key.access_key_id;
        backups.iam_secret_access_key = key.secret_access_key;
    })
    .await
}

/// The id of the access key that the server uses, as far as it says so.
async fn used_key(tools: &BackupTools<'_>, destination: &str) -> String {
    if destination.is_empty() {
        return String::new();
    }
    let found = tools.client.destination().one(destination).await;
    found.map(|found| found.access_key).unwrap_or_default()
}

/// Has the server try the bucket; returns what to tell the user when it cannot. A new key takes a while to be known.
async fn test(
    plan: &BackupPlan,
    tools: &BackupTools<'_>,
    state: &BackupState,
    endpoint: &str,
) -> Result<Option<String>, DeployError> {
    let name = names::destination(&plan.workspace, &plan.stage);
    let fields = destination_fields(&name, state, endpoint);
    let deadline = Instant::now() + tools.settling;
    loop {
        let Err(error) = tools.client.destination().test_connection(&fields).await else { return Ok(None) };
        if Instant::now() >= deadline {
            let said = tools.client.redact(&error.to_string());
            return Ok(Some(format!("the server cannot write to the bucket {}: {said}", state.bucket_name)));
        }
        sleep(BETWEEN_TRIES.min(tools.settling)).await;
    }
}
