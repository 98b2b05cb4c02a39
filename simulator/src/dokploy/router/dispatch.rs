//! Hands a call to its router.

use super::{
    application, deployment, docker, domain, environment, mounts, port, postgres, project, redis, registry, settings,
    swarm, tag, user,
};
use crate::dokploy::call::{Answer, Call};
use crate::dokploy::error::ApiError;

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
        "registry" => registry::perform(name, &call).await,
        "port" => port::perform(name, &call),
        "mounts" => mounts::perform(name, &call),
        "deployment" => deployment::perform(name, &call),
        "docker" => docker::perform(name, &call),
        "swarm" => swarm::perform(name, &call),
        "settings" => settings::perform(name, &call),
        "tag" => tag::perform(name, &call).await,
        "user" => user::perform(name, &call),
        _ => Err(ApiError::no_endpoint()),
    }
}
