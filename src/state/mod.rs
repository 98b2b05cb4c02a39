//! What we remember between runs: the state file, its lock and its journal.

mod file;
mod format;
mod gitignore;
mod journal;
mod location;
mod lock;
mod provider;
mod remote;
mod s3;
mod shared;
mod ssm;
mod store;

pub use format::{
    AppCredentials, AttachedDomains, BackupState, Deployed, DnsRecordState, DnsVerified, Entry, Extension, History,
    Intent, LoginRotation, Outcome, PastDeployment, PastEnvironment, PreviousRecord, PushedImage, ResourceKind,
    Rotation, RotationPhase, ServiceIds, ServicePasswords, State, Verified,
};
pub use gitignore::is_exposed_to_git;
pub use journal::{ChangeGuard, Journal};
pub use lock::{LockOwner, StageLock};
pub use provider::{StateProvider, StateVersion};
pub use s3::{S3StateOptions, S3StateStore};
pub use shared::SharedState;
pub use ssm::{SsmStateOptions, SsmStateStore, Turns};
pub use store::LocalStateStore;
