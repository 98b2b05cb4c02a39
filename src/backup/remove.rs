//! Taking backups away: what the server knows of them, and, only where asked for, the bucket with everything in it.

use super::account::Account;
use crate::DeployError;
use crate::aws::AwsOptions;
use crate::dokploy::Dokploy;
use crate::state::SharedState;

/// Removes the schedule and the destination from the server. The bucket and what is in it stay, and the state remembers
/// them for the next deployment.
///
/// # Errors
///
/// The codes of Dokploy's calls, and those of the state's provider.
pub async fn remove_schedule(client: &Dokploy, state: &SharedState) -> Result<(), DeployError> {
    let Some(backups) = state.snapshot().backups.clone() else { return Ok(()) };
    if let Some(backup) = &backups.postgres_backup_id {
        client.repeat(|| client.backup().remove(backup)).await?;
    }
    if !backups.destination_id.is_empty() {
        match client.repeat(|| client.destination().remove(&backups.destination_id)).await {
            Err(error) if error.is_not_found() => {}
            removed => removed?,
        }
    }
    let forget = |state: &mut crate::state::State| {
        if let Some(backups) = &mut state.backups {
            backups.postgres_backup_id = None;
            backups.destination_id.clear();
        }
    };
    state.update(forget).await
}

/// Deletes the bucket with every version of every backup, and the user that could write to it; the state forgets both.
///
/// # Errors
///
/// `BACKUP_FAILED` when AWS refuses or fails a call; what is left is still in the state then.
pub async fn remove_bucket(aws: &AwsOptions, state: &SharedState) -> Result<(), DeployError> {
    let Some(backups) = state.snapshot().backups.clone() else { return Ok(()) };
    let account = Account::new(&backups.bucket_name, &backups.region, aws)?;
    account.delete_bucket().await?;
    account.delete_user(&backups.iam_user_name).await?;
    state.update(|state| state.backups = None).await
}
