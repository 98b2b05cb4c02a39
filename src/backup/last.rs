//! The last copy of a database, before its data is deleted.

use crate::dokploy::{Deployment, DeploymentStatus, Dokploy};
use crate::{DeployError, ErrorCode};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How much of a log an error shows, in lines.
const LOG_TAIL: u16 = 20;

/// How long a last copy is waited for.
#[derive(Debug, Clone)]
pub struct FinalBackup {
    /// At the most; default 1 h.
    pub patience: Duration,
    /// How often it is asked for once the answer to the request is lost; default 5 s.
    pub look_every: Duration,
    /// How long a request whose answer was lost may still take effect.
    pub landing: Duration,
}

/// Copies a database into its bucket and waits until the copy is there.
///
/// The answer to the request is the end of the copy; where it is lost, as through a proxy that waits no longer than a minute,
/// the server is asked until it says that the copy is done.
///
/// # Errors
///
/// `BACKUP_FAILED`, with the log of the copy, when it fails or does not end in time; the codes of Dokploy's calls.
pub async fn final_backup(client: &Dokploy, backup: &str, wait: &FinalBackup) -> Result<(), DeployError> {
    let before = client.backup().runs(backup).await?;
    let before: BTreeSet<String> = before.into_iter().map(|run| run.deployment_id).collect();
    let deadline = Instant::now() + wait.patience;
    let error = match client.backup().run_postgres(backup).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let known = error.outcome_unknown();
    let appears = Instant::now() + wait.landing;
    loop {
        let runs = client.backup().runs(backup).await?;
        let new = runs.into_iter().find(|run| !before.contains(&run.deployment_id));
        match new {
            Some(run) if known && run.status == DeploymentStatus::Done => return Ok(()),
            Some(run) if run.status != DeploymentStatus::Running || !known => {
                return Err(failed(client, &error.to_string(), Some(&run)).await);
            }
            None if !known || Instant::now() >= appears => return Err(failed(client, &error.to_string(), None).await),
            Some(_) | None => {}
        }
        if Instant::now() >= deadline {
            return Err(failed(client, "it does not end", None).await);
        }
        sleep(wait.look_every).await;
    }
}

async fn failed(client: &Dokploy, why: &str, run: Option<&Deployment>) -> DeployError {
    let message = format!("The last backup failed, and nothing was deleted: {}", client.redact(why));
    let error = DeployError::new(ErrorCode::BackupFailed, message)
        .reason("final-backup")
        .hint("Look at the backup in Dokploy, or pass finalBackup: false to delete the data without a last backup");
    let Some(run) = run else { return error };
    match client.deployment().read_logs(&run.deployment_id, LOG_TAIL).await {
        Ok(log) if !log.expose().is_empty() => error.log(client.redact(log.expose())),
        // Without its log the failure is a failure all the same.
        _ => error,
    }
}
