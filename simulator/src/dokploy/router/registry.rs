//! `registry.*`

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{self, ORGANIZATION, find, text};
use crate::dokploy::queue;
use crate::random;

pub(super) async fn perform(name: &str, call: &Call) -> Answer {
    call.require_permission("registry")?;
    match name {
        "create" => create(call).await,
        "all" => Ok(all(call)),
        "one" => one(call),
        "remove" => remove(call),
        _ => Err(ApiError::no_endpoint()),
    }
}

/// Does a real `docker login`; what it leaves behind serves the pulls of every application.
async fn create(call: &Call) -> Answer {
    let (host, user, password) = (call.text("registryUrl"), call.text("username"), call.text("password"));
    queue::login(&call.world, host, (user, password)).await.map_err(|error| {
        let command = format!("printf %s '***' | docker login '{host}' -u '{user}' --password-stdin");
        ApiError::bad_request(format!("Command execution failed: Command failed: {command}\n{error}\n"))
    })?;
    let registry = model::record(json!({
        "registryId": random::nanoid(), "registryName": call.text("registryName"), "imagePrefix": call.input["imagePrefix"],
        "username": user, "password": password, "registryUrl": host, "createdAt": call.world.timestamp(),
        "registryType": call.text("registryType"), "organizationId": ORGANIZATION,
    }));
    call.world.write(|state| {
        state.logins.insert(host.to_owned(), (user.to_owned(), password.to_owned()));
        state.registries.push(registry.clone());
    });
    Ok(registry.into())
}

/// With the passwords in clear, as on the real server.
fn all(call: &Call) -> Reply {
    call.world.read(|state| state.registries.iter().cloned().map(Value::Object).collect::<Vec<_>>()).into()
}

fn one(call: &Call) -> Answer {
    call.world.read(|state| {
        let registry = find(&state.registries, "registryId", call.text("registryId")).cloned();
        let mut registry = registry.ok_or_else(|| ApiError::not_found("Registry"))?;
        registry.shift_remove("password");
        Ok(registry.into())
    })
}

/// Logs the whole server out of the host, even if another row uses it too.
fn remove(call: &Call) -> Answer {
    call.world.write(|state| {
        let id = call.text("registryId");
        let registry = find(&state.registries, "registryId", id).cloned();
        let registry = registry.ok_or_else(|| ApiError::not_found("Registry"))?;
        state.registries.retain(|registry| text(registry, "registryId") != id);
        state.logins.remove(text(&registry, "registryUrl"));
        Ok(registry.into())
    })
}
