//! The Dokploy API: one file per router, as on the real server.

pub(crate) mod application;
mod backup;
mod bucket;
mod database;
pub(crate) mod deployment;
mod destination;
mod docker;
mod domain;
mod dotenv;
mod environment;
pub(crate) mod error;
pub(crate) mod model;
mod mounts;
mod port;
mod postgres;
mod project;
pub(crate) mod queue;
mod redis;
mod registry;
pub(crate) mod schema;
mod settings;
mod swarm;
mod user;
pub(crate) mod validate;

use std::sync::Arc;

use serde_json::Value;

use crate::world::{Access, World};
use error::ApiError;
use model::{Record, text};

/// A call that passed authentication, method check and validation.
pub(crate) struct Call {
    pub(crate) world: Arc<World>,
    pub(crate) access: Access,
    pub(crate) input: Record,
    pub(crate) procedure: String,
}

impl Call {
    /// A string of the input, or the empty string.
    pub(crate) fn text(&self, field: &str) -> &str {
        text(&self.input, field)
    }

    /// Refuses members, in the words the service calls use.
    pub(crate) fn require_service_access(&self) -> Result<(), ApiError> {
        match self.access {
            Access::Owner | Access::Granted => Ok(()),
            Access::Member => Err(ApiError::denied("You don't have access to this service")),
        }
    }

    /// Refuses members, in the words the permission check uses.
    pub(crate) fn require_permission(&self, resource: &str) -> Result<(), ApiError> {
        match self.access {
            Access::Owner => Ok(()),
            Access::Granted if resource == "project" => Ok(()),
            Access::Granted | Access::Member => {
                Err(ApiError::denied(format!("unauthorized to access resource \"{resource}\"")))
            }
        }
    }
}

/// What a call answers: a JSON value, or a body of zero bytes.
pub(crate) enum Reply {
    Json(Value),
    Empty,
}

impl<T: Into<Value>> From<T> for Reply {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}

pub(crate) type Answer = Result<Reply, ApiError>;

/// Performs a call.
pub(crate) async fn perform(call: Call) -> Answer {
    // The real server's calls take effect some ten milliseconds after they arrive, also for a client that has left.
    call.world.clock.sleep(15).await;
    let procedure = call.procedure.clone();
    let (router, name) = procedure.split_once('.').unwrap_or_default();
    match router {
        "project" => project::perform(name, &call),
        "environment" => environment::perform(name, &call),
        "application" => application::perform(name, &call).await,
        "postgres" => postgres::perform(name, &call).await,
        "redis" => redis::perform(name, &call).await,
        "domain" => domain::perform(name, &call),
        "destination" => destination::perform(name, &call).await,
        "backup" => backup::perform(name, &call).await,
        "registry" => registry::perform(name, &call).await,
        "port" => port::perform(name, &call),
        "mounts" => mounts::perform(name, &call),
        "deployment" => deployment::perform(name, &call),
        "docker" => docker::perform(name, &call),
        "swarm" => swarm::perform(name, &call),
        "settings" => settings::perform(name, &call),
        "user" => user::perform(name, &call),
        _ => Err(ApiError::no_endpoint()),
    }
}
