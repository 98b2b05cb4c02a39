//! What a caller gives: requests, credentials, and how a run is carried out.

mod credentials;
mod deploy;
mod json;
mod options;
mod rollback;
mod rotate;
mod undeploy;

pub use credentials::{AwsCredentials, Credentials, DokployCredentials, RegistryCredentials, VendorCredentials};
pub use deploy::{DatabaseAccess, DeployRequest, DeploySettings, OnFailure, OnSniffError, WaitFor};
pub use options::{RunHooks, RunOptions, Surroundings};
pub use rollback::{RollbackRequest, RollbackSettings};
pub(crate) use rotate::RotationChoice;
pub use rotate::{RotateRequest, RotateSettings};
pub(crate) use undeploy::RemovalDepth;
pub use undeploy::{UndeployRequest, UndeploySettings};
