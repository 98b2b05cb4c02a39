//! The backups of the database: set up, made a last time, removed.

use super::wire::{Wiring, unplanned};
use crate::DeployError;
use crate::backup::{BackupTools, FinalBackup, SETTLING, ensure_backups, final_backup, remove_bucket, remove_schedule};
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::StepContext;
use crate::deploy::context::{Backups, PostgresService};
use crate::plan::{Operation, Step};
use crate::state::{Intent, ResourceKind};
use std::time::Duration;

/// How long a last backup is waited for: a large database takes its time.
const FINAL_PATIENCE: Duration = Duration::from_hours(1);

/// How often the server is asked for it once the answer is lost.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What the journal calls them.
const NAME: &str = "backups";

impl<'a> Wiring<'a> {
    /// Adds a step of the backups.
    pub(super) fn add_backup_step(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        let backups = self.run.backups;
        match operation {
            Operation::SetUpBackups => {
                let service = self.postgres(step)?;
                if backups.plan.is_none() {
                    return Err(unplanned(step, "declared backups"));
                }
                let run = move |cx: StepContext<'a>, service: PostgresService| async move {
                    set_up(&cx, backups, &service).await
                };
                self.task(step, operation, service, run);
            }
            Operation::BackUpLast => {
                let run = |cx: StepContext<'a>, ()| async move { back_up_last(&cx).await };
                self.task(step, operation, (), run);
            }
            Operation::RemoveBackups => {
                let run = |cx: StepContext<'a>, ()| async move { remove(&cx).await };
                self.task(step, operation, (), run);
            }
            _ => {
                let run = move |cx: StepContext<'a>, ()| async move { delete_bucket(&cx, backups).await };
                self.task(step, operation, (), run);
            }
        }
        Ok(())
    }
}

/// Sets the backups up, or makes them right. What an interrupted run has made is found by its name.
async fn set_up(
    cx: &StepContext<'_>,
    backups: &Backups,
    service: &PostgresService,
) -> Result<StepOutcome, DeployError> {
    let Some(plan) = &backups.plan else { return Ok(StepOutcome::unchanged("no backups are declared")) };
    let tools = BackupTools {
        client: &cx.client,
        aws: &backups.aws,
        entropy: cx.entropy(),
        now: cx.surroundings.now,
        landing: cx.surroundings.landing,
        settling: SETTLING,
    };
    // The database of an older service may have another name.
    let plan = crate::backup::BackupPlan { database: service.database.clone(), ..plan.clone() };
    let intent = Intent::Create { resource: ResourceKind::Backup, name: NAME.to_owned(), mark: String::new() };
    let done = cx.journaled(intent, ensure_backups(&plan, &service.id, &tools, &cx.state)).await?;
    if let Some(backups) = &cx.state.snapshot().backups {
        cx.reporter.hide(&backups.iam_secret_access_key);
    }
    for warning in &done.warnings {
        cx.reporter.warn("backups", warning, None);
    }
    if done.changes.is_empty() {
        return Ok(StepOutcome::unchanged("everything was there"));
    }
    cx.progress(done.changes.join(", "));
    Ok(StepOutcome::Changed(()))
}

/// Makes a last backup, and waits for it.
async fn back_up_last(cx: &StepContext<'_>) -> Result<StepOutcome, DeployError> {
    let backup = cx.state.snapshot().backups.as_ref().and_then(|backups| backups.postgres_backup_id.clone());
    let Some(backup) = backup else { return Ok(StepOutcome::unchanged("the server has no backup of it")) };
    let wait = FinalBackup { patience: FINAL_PATIENCE, look_every: LOOK_EVERY, landing: cx.surroundings.landing };
    final_backup(&cx.client, &backup, &wait).await?;
    Ok(StepOutcome::Changed(()))
}

/// Takes schedule and destination away; the bucket stays.
async fn remove(cx: &StepContext<'_>) -> Result<StepOutcome, DeployError> {
    let (resource, name) = (ResourceKind::Backup, NAME.to_owned());
    let intent = Intent::Delete { resource, name, id: String::new() };
    cx.journaled(intent, remove_schedule(&cx.client, &cx.state)).await?;
    Ok(StepOutcome::Changed(()))
}

/// Deletes the bucket with every backup in it.
async fn delete_bucket(cx: &StepContext<'_>, backups: &Backups) -> Result<StepOutcome, DeployError> {
    remove_bucket(&backups.aws, &cx.state).await?;
    Ok(StepOutcome::Changed(()))
}
