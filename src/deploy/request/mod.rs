//! What a caller gives: requests, credentials, and how a run is carried out.

mod credentials;
mod deploy;
mod json;
mod options;
mod rotate;
mod undeploy;

pub use credentials::{Credentials, DokployCredentials, RegistryCredentials, VendorCredentials};
pub use deploy::{DatabaseAccess, DeployRequest, DeploySettings, OnSniffError, WaitFor};
pub use options::{RunOptions, Surroundings};
pub(crate) use rotate::RotationChoice;
pub use rotate::{RotateRequest, RotateSettings};
pub(crate) use undeploy::RemovalDepth;
pub use undeploy::{UndeployRequest, UndeploySettings};
