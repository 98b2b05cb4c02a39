//! `port.*`

use serde_json::json;

use crate::dokploy::call::{Answer, Call};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, find};
use crate::random;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    call.require_service_access()?;
    match name {
        "create" => create(call),
        _ => Err(ApiError::no_endpoint()),
    }
}

/// Takes effect at the next deployment; duplicates are accepted.
fn create(call: &Call) -> Answer {
    call.world.write(|state| {
        if find(&state.applications, "applicationId", call.text("applicationId")).is_none() {
            return Err(ApiError::not_found("Application"));
        }
        let mut port = model::record(json!({ "portId": random::nanoid() }));
        model::assign(&mut port, call.input.clone());
        state.ports.push(port.clone());
        Ok(port.into())
    })
}
