//! What the user declares: the workspace, its validation, its host names and its build order.

mod app;
mod aws;
mod check;
mod fault;
mod host;
mod model;
mod name;
mod order;
mod read;
mod references;
mod release;
mod undone;
mod validate;

pub use check::WorkspaceCheck;
pub use model::{
    App, AppType, AwsAccount, BackupSettings, ConfigFiles, DeploySettings, DnsZone, DokploySettings, Domain,
    S3Settings, Service, Services, SsmSettings, SsmTier, StateSettings, Workspace, WorkspaceFault,
};
pub(crate) use name::is_variable_character;
pub use name::{database_name_fault, host_name, is_variable_name, schema_name, slug, stage_fault, variable_stems};
pub use order::public_prefix;
pub use release::{Health, HealthCheck, HealthProbe, Release, ReleaseLogin};

use order::workspace_slug;

#[cfg(test)]
pub(crate) mod tests {
    use super::Workspace;

    /// The seed's workspace.
    pub(crate) fn multi_auth() -> Workspace {
        let json = include_str!("../../fixtures/workspace-multi-auth.json");
        Workspace::from_json(serde_json::from_str(json).unwrap()).unwrap()
    }
}
