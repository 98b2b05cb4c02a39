//! `tag.*`

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, ORGANIZATION, Record, find, find_mut, rows, text};
use crate::random;

/// How long the server takes between its look at a tag and its change of it.
const BETWEEN_MILLIS: u64 = 4;

pub(super) async fn perform(name: &str, call: &Call) -> Answer {
    if name == "all" {
        return Ok(all(call));
    }
    call.require_permission("tag")?;
    match name {
        "create" => create(call),
        "update" => update(call).await,
        "remove" => remove(call).await,
        _ => Err(ApiError::no_endpoint()),
    }
}

fn all(call: &Call) -> Reply {
    let mut tags = call.world.read(|state| state.tags.clone());
    tags.sort_by(|a, b| text(a, "name").cmp(text(b, "name")));
    tags.into_iter().map(Value::Object).collect::<Vec<_>>().into()
}

/// One of those that come at the same time makes it. The others see the database's own words: the server looks for the name
/// of the constraint in a message that does not have it, and so never says that there is a conflict.
fn create(call: &Call) -> Answer {
    let (name, color) = (call.text("name"), call.input.get("color").cloned().unwrap_or_default());
    let tag = model::record(json!({
        "tagId": random::nanoid(), "name": name, "color": color, "createdAt": call.world.timestamp(),
        "organizationId": ORGANIZATION,
    }));
    call.world.write(|state| {
        if rows(&state.tags, "name", name).next().is_some() {
            return Err(ApiError::bad_request(taken(&tag)));
        }
        state.tags.push(tag.clone());
        Ok(tag.into())
    })
}

fn taken(tag: &Record) -> String {
    let columns = "\"tagId\", \"name\", \"color\", \"createdAt\", \"organizationId\"";
    let values: Vec<&str> = tag.values().map(|value| value.as_str().unwrap_or_default()).collect();
    format!(
        "Error creating tag: Failed query: insert into \"tag\" ({columns}) values ($1, $2, $3, $4, $5) returning {columns}\n\
         params: {}",
        values.join(",")
    )
}

fn look(call: &Call, what: &str) -> Result<(), ApiError> {
    let exists = call.world.read(|state| find(&state.tags, "tagId", call.text("tagId")).is_some());
    let message = format!("Tag not found or you don't have permission to {what} it");
    if exists { Ok(()) } else { Err(ApiError::no_record(message)) }
}

/// Whoever has changed it meanwhile is overwritten; one that was removed meanwhile is answered with nothing.
async fn update(call: &Call) -> Answer {
    look(call, "update")?;
    call.world.clock.sleep(BETWEEN_MILLIS).await;
    call.world.write(|state| {
        let Some(tag) = find_mut(&mut state.tags, "tagId", call.text("tagId")) else { return Ok(Reply::Empty) };
        let mut fields = call.input.clone();
        fields.retain(|name, _| matches!(name.as_str(), "name" | "color"));
        model::assign(tag, fields);
        Ok(tag.clone().into())
    })
}

/// Two that remove it at the same time both succeed.
async fn remove(call: &Call) -> Answer {
    look(call, "delete")?;
    call.world.clock.sleep(BETWEEN_MILLIS).await;
    call.world.write(|state| state.tags.retain(|tag| text(tag, "tagId") != call.text("tagId")));
    Ok(json!({ "success": true }).into())
}
