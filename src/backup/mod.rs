//! Backups of a stage's database in a bucket of its own, as the CLI makes them.
//!
//! A bucket that keeps every version, a user that may write to it and nothing else, its access key, a destination on the
//! server with that key, and a schedule. Each is looked for before it is made; what is generated or given once is in the
//! state before it is used (I2).

mod account;
mod ensure;
mod last;
mod look;
mod names;
mod remove;
mod server;

pub use ensure::{Ensured, ensure_backups};
pub use last::{FinalBackup, final_backup};
pub use look::{BackupFindings, look_at_backups};
pub use remove::{remove_bucket, remove_schedule};

use crate::aws::AwsOptions;
use crate::dokploy::Dokploy;
use crate::secrets::Entropy;
use std::time::Duration;
use time::OffsetDateTime;

/// What is to be backed up, how often, and whereto.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupPlan {
    /// The workspace.
    pub workspace: String,
    /// The stage.
    pub stage: String,
    /// When, as cron has it.
    pub schedule: String,
    /// How many copies are kept.
    pub retention: u32,
    /// The database.
    pub database: String,
}

/// With what backups are set up.
pub struct BackupTools<'a> {
    /// The server.
    pub client: &'a Dokploy,
    /// The account, and the bucket's region.
    pub aws: &'a AwsOptions,
    /// The randomness.
    pub entropy: &'a dyn Entropy,
    /// The clock.
    pub now: fn() -> OffsetDateTime,
    /// How long a request whose answer was lost may still take effect.
    pub landing: Duration,
    /// How long a new access key may take until the store knows it; default 30 s.
    pub settling: Duration,
}

/// How long a new access key may take until the store knows it.
pub const SETTLING: Duration = Duration::from_secs(30);
