//! Resources on the server as steps refer to them.

use crate::dokploy::Application;
use crate::plan::{ObservedApplication, ObservedPostgres, ObservedRedis};

/// An app's application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApplicationRef {
    /// Its id.
    pub(crate) id: String,
    /// Its service's name in Docker Swarm.
    pub(crate) app_name: String,
}

impl From<Application> for ApplicationRef {
    fn from(application: Application) -> Self {
        Self { id: application.application_id, app_name: application.app_name }
    }
}

/// The Postgres service.
#[derive(Debug, Clone)]
pub(crate) struct PostgresService {
    /// Its id.
    pub(crate) id: String,
    /// Its service's name, which is its host name on the server's network.
    pub(crate) app_name: String,
    /// Its database.
    pub(crate) database: String,
    /// The master role.
    pub(crate) user: String,
    /// Whether this run has made it.
    pub(crate) new: bool,
}

/// The Redis service.
#[derive(Debug, Clone)]
pub(crate) struct RedisService {
    /// Its id.
    pub(crate) id: String,
    /// Its service's name, which is its host name on the server's network.
    pub(crate) app_name: String,
}

impl From<&ObservedApplication> for ApplicationRef {
    fn from(found: &ObservedApplication) -> Self {
        Self { id: found.id.clone(), app_name: found.app_name.clone() }
    }
}

impl From<&ObservedPostgres> for PostgresService {
    fn from(found: &ObservedPostgres) -> Self {
        Self {
            id: found.id.clone(),
            app_name: found.app_name.clone(),
            database: found.database.clone(),
            user: found.user.clone(),
            new: false,
        }
    }
}

impl From<&ObservedRedis> for RedisService {
    fn from(found: &ObservedRedis) -> Self {
        Self { id: found.id.clone(), app_name: found.app_name.clone() }
    }
}
