//! `swarm.*`

use crate::dokploy::call::{Answer, Call};
use crate::dokploy::error::ApiError;
use crate::swarm::view;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    call.require_permission("docker")?;
    match name {
        "getNodeApps" => Ok(call.world.read(view::node_apps).into()),
        _ => Err(ApiError::no_endpoint()),
    }
}
