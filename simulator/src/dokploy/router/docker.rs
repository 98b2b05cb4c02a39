//! `docker.*`

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::swarm::view;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    call.require_permission("docker")?;
    let (world, app_name) = (&call.world, call.text("appName"));
    match name {
        "getServiceContainersByAppName" => Ok(world.read(|state| view::tasks(state, world.clock, app_name)).into()),
        "getContainersByAppNameMatch" => Ok(world.read(|state| view::containers(state, world.clock, app_name)).into()),
        "getContainers" => Ok(world.read(|state| view::all_containers(state, world.clock)).into()),
        // The real server swallows docker's error and answers with nothing.
        "getConfig" => {
            let config = world.read(|state| view::inspect(state, call.text("containerId")));
            Ok(config.map_or(Reply::Empty, Reply::Json))
        }
        _ => Err(ApiError::no_endpoint()),
    }
}
