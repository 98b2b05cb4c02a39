//! What the user declares: the workspace, its validation, its host names and its build order.

mod model;
mod validate;

pub use model::{
    App, AppType, ConfigFiles, DeploySettings, DnsZone, DokploySettings, Domain, Service, Services, StateSettings,
    Workspace,
};
