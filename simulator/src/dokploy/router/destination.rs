//! `destination.*`: buckets that backups go to.

use serde_json::{Value, json};

use crate::dokploy::bucket;
use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, ORGANIZATION, Record, find, find_mut, text};
use crate::random;

pub(super) async fn perform(name: &str, call: &Call) -> Answer {
    call.require_permission("destination")?;
    match name {
        "create" => Ok(create(call).into()),
        "testConnection" => test_connection(call).await,
        "all" => Ok(call.world.read(|state| newest_first(&state.destinations)).into()),
        "one" => one(call).map(Into::into),
        "update" => update(call),
        "remove" => remove(call),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn newest_first(destinations: &[Record]) -> Vec<Value> {
    destinations.iter().rev().cloned().map(Value::Object).collect()
}

/// Two of the same name are two destinations.
fn create(call: &Call) -> Record {
    let made = model::record(json!({
        "destinationId": random::nanoid(), "name": call.text("name"), "provider": call.input["provider"],
        "accessKey": call.text("accessKey"), "secretAccessKey": call.text("secretAccessKey"),
        "bucket": call.text("bucket"), "region": call.text("region"), "endpoint": call.text("endpoint"),
        "additionalFlags": call.input["additionalFlags"], "organizationId": ORGANIZATION, "createdAt": call.world.timestamp(),
    }));
    call.world.write(|state| state.destinations.push(made.clone()));
    made
}

/// Lists the bucket; answers nothing when that works.
async fn test_connection(call: &Call) -> Answer {
    bucket::request(&call.input, "GET", "", &[]).await.map_err(ApiError::bad_request)?;
    Ok(Reply::Empty)
}

fn one(call: &Call) -> Result<Record, ApiError> {
    let id = call.text("destinationId");
    let found = call.world.read(|state| find(&state.destinations, "destinationId", id).cloned());
    found.ok_or_else(|| ApiError::not_found("Destination"))
}

fn update(call: &Call) -> Answer {
    let fields = call.input.clone();
    call.world.write(|state| {
        let found = find_mut(&mut state.destinations, "destinationId", call.text("destinationId"));
        let found = found.ok_or_else(|| ApiError::not_found("Destination"))?;
        model::assign(found, fields);
        Ok(found.clone().into())
    })
}

/// The backups that go there are gone with it.
fn remove(call: &Call) -> Answer {
    let removed = one(call)?;
    call.world.write(|state| {
        let id = text(&removed, "destinationId");
        state.destinations.retain(|destination| text(destination, "destinationId") != id);
        state.backups.retain(|backup| text(backup, "destinationId") != id);
    });
    Ok(removed.into())
}
