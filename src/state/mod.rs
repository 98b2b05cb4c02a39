//! What we remember between runs: the state file, its lock and its journal.

mod document;
mod domains;
mod file;
mod format;
mod gitignore;
mod history;
mod intent;
mod journal;
mod location;
mod lock;
mod provider;
mod rotation;
mod shared;
mod store;

pub use domains::AttachedDomains;
pub use format::{
    AppCredentials, Deployed, DnsRecordState, DnsVerified, Extension, PreviousRecord, PushedImage, ServiceIds,
    ServicePasswords, State,
};
pub use gitignore::is_exposed_to_git;
pub use history::{History, PastDeployment, PastEnvironment, Verified};
pub use intent::{Entry, Intent, Outcome, ResourceKind};
pub use journal::Journal;
pub use lock::{LockOwner, StageLock};
pub use provider::StateProvider;
pub use rotation::{LoginRotation, Rotation, RotationPhase};
pub use shared::SharedState;
pub use store::LocalStateStore;
