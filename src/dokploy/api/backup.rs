//! Backups: schedules by which the server copies a database into a destination, and copies made at once.

use super::deployment::Deployment;
use crate::dokploy::transport::{ApiError, Call, Failure, Transport};
use serde::{Deserialize, Serialize};

pub(super) const CREATE: Call = Call::post(
    "backup.create",
    &["schedule", "enabled", "prefix", "destinationId", "keepLatestCount", "database", "postgresId", "databaseType"],
);
pub(super) const UPDATE: Call = Call::post(
    "backup.update",
    &[
        "backupId",
        "schedule",
        "enabled",
        "prefix",
        "destinationId",
        "keepLatestCount",
        "database",
        "serviceName",
        "metadata",
        "databaseType",
    ],
);
pub(super) const REMOVE: Call = Call::post("backup.remove", &["backupId"]);
pub(super) const MANUAL_POSTGRES: Call = Call::post("backup.manualBackupPostgres", &["backupId"]).long();
pub(super) const DEPLOYMENTS: Call = Call::get("deployment.allByType", &["id", "type"]);

/// A backup of a database as the server stores it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Its id.
    pub backup_id: String,
    /// When it is made, as cron has it.
    pub schedule: String,
    /// Whether it is made at all.
    pub enabled: Option<bool>,
    /// The folder in the bucket, below one of the service's name.
    pub prefix: String,
    /// The destination.
    pub destination_id: String,
    /// How many are kept.
    pub keep_latest_count: Option<f64>,
    /// The database.
    pub database: String,
}

/// What a backup is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupFields<'a> {
    /// When it is made, as cron has it.
    pub schedule: &'a str,
    /// The folder in the bucket, below one of the service's name.
    pub prefix: &'a str,
    /// The destination.
    pub destination_id: &'a str,
    /// How many are kept.
    pub keep_latest_count: u32,
    /// The database.
    pub database: &'a str,
}

impl BackupFields<'_> {
    /// Whether a backup is that already.
    pub fn are(&self, found: &Backup) -> bool {
        let texts = [
            (self.schedule, &found.schedule),
            (self.prefix, &found.prefix),
            (self.destination_id, &found.destination_id),
            (self.database, &found.database),
        ];
        texts.iter().all(|(desired, found)| desired == found)
            && found.enabled == Some(true)
            && found.keep_latest_count == Some(f64::from(self.keep_latest_count))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    schedule: &'a str,
    enabled: bool,
    prefix: &'a str,
    destination_id: &'a str,
    keep_latest_count: u32,
    database: &'a str,
    postgres_id: &'a str,
    database_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a> {
    backup_id: &'a str,
    schedule: &'a str,
    enabled: bool,
    prefix: &'a str,
    destination_id: &'a str,
    keep_latest_count: u32,
    database: &'a str,
    service_name: Option<&'a str>,
    metadata: Option<&'a str>,
    database_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    backup_id: &'a str,
}

/// The calls of the backup router. A database's backups are in [`super::PostgresApi::backups`].
#[derive(Debug, Clone, Copy)]
pub struct BackupApi<'a>(pub(in crate::dokploy) &'a Transport);

impl BackupApi<'_> {
    /// Makes a backup of a Postgres service; the server does not answer its id. A second one is another backup.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(self, postgres_id: &str, fields: &BackupFields<'_>) -> Result<(), ApiError> {
        let BackupFields { schedule, prefix, destination_id, keep_latest_count, database } = *fields;
        let body = Create {
            schedule,
            enabled: true,
            prefix,
            destination_id,
            keep_latest_count,
            database,
            postgres_id,
            database_type: "postgres",
        };
        self.0.post_ignoring_response(&CREATE, &body).await
    }

    /// Changes a backup.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn update(self, backup_id: &str, fields: &BackupFields<'_>) -> Result<(), ApiError> {
        let BackupFields { schedule, prefix, destination_id, keep_latest_count, database } = *fields;
        let body = Update {
            backup_id,
            schedule,
            enabled: true,
            prefix,
            destination_id,
            keep_latest_count,
            database,
            service_name: None,
            metadata: None,
            database_type: "postgres",
        };
        self.0.post_ignoring_response(&UPDATE, &body).await
    }

    /// Removes a backup; what it has copied stays. One that is gone is no failure.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn remove(self, backup_id: &str) -> Result<(), ApiError> {
        match self.0.post_ignoring_response(&REMOVE, &ById { backup_id }).await {
            Err(error) if is_gone(&error) => Ok(()),
            result => result,
        }
    }

    /// Makes a copy now, and returns when it is in the bucket. The answer may be lost before: then its deployment tells.
    ///
    /// # Errors
    ///
    /// A rejection with what `pg_dump` or `rclone` said, and every other [`ApiError`].
    pub async fn run_postgres(self, backup_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&MANUAL_POSTGRES, &ById { backup_id }).await
    }

    /// The copies that a backup has made or is making, newest first.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn runs(self, backup_id: &str) -> Result<Vec<Deployment>, ApiError> {
        self.0.get(&DEPLOYMENTS, &[("id", backup_id), ("type", "backup")]).await
    }
}

/// Whether the server says that there is no such backup, which it does with 400.
fn is_gone(error: &ApiError) -> bool {
    error.is_not_found()
        || matches!(error.failure(), Failure::Rejected { status: 400, message } if message == "Backup not found")
}
