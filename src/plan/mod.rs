//! Observed and wanted, turned into steps. Pure: no I/O, no clock, no randomness.

mod app;
mod backup;
mod blueprint;
mod desired;
mod domain;
mod draw;
mod fingerprint;
mod forget;
mod observed;
mod operation;
mod outdated;
mod past;
mod record;
mod recover;
mod release;
mod removal;
mod render;
mod rollback;
mod rotation;
mod service;
mod stale;
mod step;
mod wording;

pub use crate::workspace::ContainerCheck;
pub use blueprint::Blueprint;
pub use desired::{
    DatabaseRoute, DatabaseWay, Desired, DesiredApp, DesiredDatabase, DesiredEnv, DesiredHost, DesiredImage,
    DesiredPostgres, DesiredRedis, DesiredRegistry, DesiredRotation, HostZone, LoginStage,
};
pub use domain::recover_domains;
pub use draw::{draw, draw_rotation};
pub use fingerprint::{DeploymentTitle, ReleaseTitle, app_fingerprint, env_fingerprint, release_fingerprint};
pub use forget::forget_vanished;
pub use observed::{
    Observed, ObservedApplication, ObservedDomain, ObservedEnvironment, ObservedPostgres, ObservedProject,
    ObservedRecord, ObservedRedis, Ownership, Runs, ServiceDeployment, Twin, TwinKind, Vanished,
};
pub use operation::{DatabaseLogin, Operation, WorkKind};
pub use outdated::{Outdated, find_outdated, newest_run, newest_serial};
pub use past::{Declared, complete_history, not_undone, past_health, shortened, verified};
pub use record::remember_apps;
pub use recover::{GeneratedNeeds, recover};
pub use removal::{RemovalRequest, draw_removal};
pub use render::render;
pub use rollback::{Today, choose_past, look_at_today};
pub use stale::check_still_true;
pub use step::{Action, DeployPlan, Step};
pub use wording::Wording;

pub use crate::env::{VariableChange, VariableChangeKind};

#[cfg(test)]
mod tests;
