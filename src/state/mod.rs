//! What we remember between runs: the state file, its lock and its journal.

mod backup;
mod document;
mod domains;
mod file;
mod format;
mod gitignore;
mod intent;
mod journal;
mod location;
mod lock;
mod provider;
mod remote;
mod rotation;
mod s3;
mod shared;
mod ssm;
mod store;

pub use backup::BackupState;
pub use domains::AttachedDomains;
pub use format::{
    AppCredentials, Deployed, DnsRecordState, DnsVerified, Extension, PreviousRecord, PushedImage, ServiceIds,
    ServicePasswords, State,
};
pub use gitignore::is_exposed_to_git;
pub use intent::{Entry, Intent, Outcome, ResourceKind};
pub use journal::Journal;
pub use lock::{LockOwner, StageLock};
pub use provider::{StateProvider, StateVersion};
pub use rotation::{LoginRotation, Rotation, RotationPhase};
pub use s3::{S3StateOptions, S3StateStore};
pub use shared::SharedState;
pub use ssm::{SsmStateOptions, SsmStateStore, SsmTier, Turns};
pub use store::LocalStateStore;
