//! What each operation does, one file per kind of resource.

mod application;
mod backups;
mod delivery;
mod deployment;
mod domain;
mod follow;
mod image;
mod logins;
mod project;
mod readiness;
mod record;
mod release;
mod removal;
mod roles;
mod service;
mod service_deployment;
mod twin;
mod wire;
mod wire_apps;

pub(crate) use record::Records;
pub(super) use wire::wire;
