//! Reading what stands on the server and in DNS: whose it is, what is stored, and what runs. Makes only reads.

mod address;
mod application;
mod ownership;
mod permissions;
mod project;
mod scope;
mod server;
mod service;
mod stage;
mod zones;

pub(crate) use address::server_address;
pub(crate) use permissions::check_permissions;
pub(crate) use service::has_running_task;
pub(crate) use stage::{observe_deployed, observe_stage};
pub(crate) use zones::hosts_leading_to_server;
