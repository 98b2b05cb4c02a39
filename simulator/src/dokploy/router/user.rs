//! `user.*`

use std::sync::PoisonError;

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::random;
use crate::world::Key;

/// better-auth allows 10 verifications a day by default, and Dokploy verifies twice per request.
const DEFAULT_REQUESTS: u64 = 5;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    match name {
        "createApiKey" => Ok(create_api_key(call)),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn create_api_key(call: &Call) -> Reply {
    let key = random::letters(64);
    let limited = call.input.get("rateLimitEnabled").and_then(Value::as_bool) != Some(false);
    let most = call.input.get("rateLimitMax").and_then(Value::as_u64).map_or(DEFAULT_REQUESTS, |most| most / 2);
    let remaining = limited.then_some(most);
    let mut keys = call.world.keys.lock().unwrap_or_else(PoisonError::into_inner);
    keys.insert(key.clone(), Key { access: call.access, remaining });
    json!({ "key": key, "id": random::nanoid(), "name": call.text("name"), "rateLimitEnabled": limited }).into()
}
