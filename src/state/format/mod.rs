//! What we remember, as types and as text: the state and the entries of the journal. It does no I/O, so that plans can be
//! made of it.

mod backup;
mod document;
mod domains;
mod history;
mod intent;
mod packed;
mod rotation;
mod state;

pub use backup::BackupState;
pub(super) use document::{parse, render};
pub use domains::AttachedDomains;
pub use history::{History, PastDeployment, PastEnvironment, Verified};
pub use intent::{Entry, Intent, Outcome, ResourceKind};
pub use rotation::{LoginRotation, Rotation, RotationPhase};
pub use state::{
    AppCredentials, Deployed, DnsRecordState, DnsVerified, Extension, PreviousRecord, PushedImage, ServiceIds,
    ServicePasswords, State,
};
