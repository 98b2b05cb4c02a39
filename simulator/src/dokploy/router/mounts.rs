//! `mounts.*`

use serde_json::json;

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model;
use crate::random;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    call.require_service_access()?;
    match name {
        "create" => Ok(create(call)),
        _ => Err(ApiError::no_endpoint()),
    }
}

/// Takes effect at the next deployment.
fn create(call: &Call) -> Reply {
    let mut mount = model::mount_template();
    let mut fields = call.input.clone();
    let service = fields.shift_remove("serviceId").unwrap_or_default();
    model::assign(&mut mount, fields);
    let owner = match call.text("serviceType") {
        "" | "application" => "applicationId".to_owned(),
        kind => format!("{kind}Id"),
    };
    model::assign(&mut mount, model::record(json!({ "mountId": random::nanoid(), owner: service })));
    call.world.write(|state| state.mounts.push(mount.clone()));
    mount.into()
}
