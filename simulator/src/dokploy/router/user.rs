//! `user.*`, with the fields that the server's own source answers (its document has none).

use std::sync::PoisonError;

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::ORGANIZATION;
use crate::random;
use crate::world::{Access, Key};

/// better-auth allows 10 verifications a day by default, and Dokploy verifies twice per request.
const DEFAULT_REQUESTS: u64 = 5;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    match name {
        "createApiKey" => Ok(create_api_key(call)),
        "get" => Ok(get(call)),
        "getPermissions" => Ok(permissions(call)),
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

/// The key's user as a member of its organization. Owners and admins need none of the grants.
fn get(call: &Call) -> Reply {
    let (role, granted) = match call.access {
        Access::Owner => ("owner", false),
        Access::Granted => ("member", true),
        Access::Member => ("member", false),
    };
    let id = format!("SimUser-{role}");
    json!({
        "id": "SimMember000000000001", "organizationId": ORGANIZATION, "userId": id, "role": role,
        "createdAt": "2026-01-01T00:00:00.000Z", "teamId": null, "isDefault": true,
        "canCreateProjects": granted, "canAccessToSSHKeys": false, "canCreateServices": granted,
        "canDeleteProjects": granted, "canDeleteServices": granted, "canAccessToDocker": false, "canAccessToAPI": granted,
        "canAccessToGitProviders": false, "canAccessToTraefikFiles": false, "canDeleteEnvironments": granted,
        "canCreateEnvironments": granted, "accessedProjects": [], "accessedEnvironments": [], "accessedServices": [],
        "user": {
            "id": id, "firstName": "Sim", "lastName": role, "email": format!("{role}@example.test"), "emailVerified": true,
            "image": null, "createdAt": "2026-01-01T00:00:00.000Z", "apiKeys": [],
        },
    })
    .into()
}

/// Each action on each kind of resource. A member may do within its services what needs no grant.
fn permissions(call: &Call) -> Reply {
    let owner = call.access == Access::Owner;
    let granted = owner || call.access == Access::Granted;
    json!({
        "organization": { "update": owner, "delete": owner },
        "project": { "create": granted, "delete": granted },
        "service": { "create": granted, "read": true, "delete": granted },
        "environment": { "create": granted, "read": true, "delete": granted },
        "docker": { "read": owner },
        "deployment": { "read": true, "create": true, "cancel": true },
        "envVars": { "read": true, "write": true },
        "registry": { "read": owner, "create": owner, "delete": owner },
        "domain": { "read": true, "create": true, "delete": true },
        "destination": { "read": owner, "create": owner, "delete": owner },
        "logs": { "read": true },
    })
    .into()
}
