//! What of a stage's backups is there: reads only.

use super::account::Account;
use super::server::{backup_fields, destination_fields, find_backup, find_destination};
use super::{BackupPlan, names};
use crate::DeployError;
use crate::aws::AwsOptions;
use crate::dokploy::Dokploy;
use crate::state::BackupState;

/// What is missing or not as it should be; empty when a database is backed up as wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupFindings {
    /// Why something has to be done, in words for a plan.
    pub reasons: Vec<String>,
}

/// Looks at a stage's backups; `state` is what is remembered of them, `postgres` the service if there is one.
///
/// # Errors
///
/// `BACKUP_FAILED` when AWS refuses or fails a call, and the codes of Dokploy's calls.
pub async fn look_at_backups(
    plan: &BackupPlan,
    postgres: Option<&str>,
    client: &Dokploy,
    aws: &AwsOptions,
    state: Option<&BackupState>,
) -> Result<BackupFindings, DeployError> {
    let because = |reason: &str| BackupFindings { reasons: vec![reason.to_owned()] };
    let Some(postgres) = postgres else { return Ok(because("its database is new")) };
    let Some(state) = state.filter(|state| state.has_key() && !state.destination_id.is_empty()) else {
        // It may be there all the same, of a lost state; then little has to be done.
        return Ok(because("the state does not know them"));
    };
    let account = Account::new(&state.bucket_name, &state.region, aws)?;
    let name = names::destination(&plan.workspace, &plan.stage);
    let (destination, backup, has_bucket, has_key) = tokio::try_join!(
        async { Ok(find_destination(client, &name, state).await?) },
        async { Ok(find_backup(client, postgres, state, &state.destination_id).await?) },
        account.has_bucket(),
        account.has_key(state),
    )?;
    let (endpoint, folder) = (Account::endpoint(aws, &state.region)?, names::folder(&plan.stage));
    let mut reasons = Vec::new();
    if !has_bucket {
        reasons.push(format!("the bucket {} is gone", state.bucket_name));
    }
    if !has_key {
        reasons.push(format!("the access key {} is gone", state.iam_access_key_id));
    }
    match destination {
        None => reasons.push("the destination is gone".to_owned()),
        Some(found) if !destination_fields(&name, state, &endpoint).are(&found) => {
            reasons.push("the destination is another one than it should be".to_owned());
        }
        Some(_) => {}
    }
    match backup {
        None => reasons.push("no schedule is set".to_owned()),
        Some(found) if !backup_fields(plan, &folder, &state.destination_id).are(&found) => {
            reasons.push("schedule or retention changed".to_owned());
        }
        Some(_) => {}
    }
    Ok(BackupFindings { reasons })
}
