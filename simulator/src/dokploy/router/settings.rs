//! `settings.*`

use crate::dokploy::call::{Answer, Call};
use crate::dokploy::error::ApiError;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    let settings = &call.world.settings;
    match name {
        "getDokployVersion" => Ok(settings.version.clone().into()),
        "getReleaseTag" => Ok("latest".into()),
        "getIp" => Ok(settings.ip.clone().into()),
        "getOpenApiDocument" => {
            let mut document = call.world.document.clone();
            document["info"]["version"] = settings.version.clone().into();
            Ok(document.into())
        }
        "health" => Ok(serde_json::json!({ "status": "ok" }).into()),
        _ => Err(ApiError::no_endpoint()),
    }
}
