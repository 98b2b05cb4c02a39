//! What we remember between runs: the state file, its lock and its journal.

mod file;
mod format;
mod gitignore;
mod journal;
mod location;
mod lock;
mod provider;
mod shared;
mod store;

pub use format::{
    AppCredentials, AttachedDomains, Deployed, DnsRecordState, DnsVerified, Entry, Extension, History, Intent,
    LoginRotation, Outcome, PastDeployment, PastEnvironment, PreviousRecord, PushedImage, ResourceKind, Rotation,
    RotationPhase, ServiceIds, ServicePasswords, State, Verified,
};
pub use gitignore::is_exposed_to_git;
pub use journal::{ChangeGuard, Journal};
pub use lock::{LockOwner, StageLock};
pub use provider::StateProvider;
pub use shared::SharedState;
pub use store::LocalStateStore;
