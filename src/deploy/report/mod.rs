//! What a run returns.

mod deploy;
mod dns;
mod failure;
mod rollback;
mod rotation;
mod undeploy;

pub use deploy::{AppReport, AppStatus, BackupReport, DatabaseAccessReport, DeployReport, DomainStatus, RetiredRole};
pub(crate) use dns::unserved_message;
pub use dns::{DnsReport, HostReason, HostReport, RecordStatus};
pub use failure::DeployFailure;
pub use rollback::RolledBackApp;
pub use rotation::{RotatedApp, RotationReport};
pub use undeploy::{RemovalOutcome, RemovedResource, UndeployReport};
