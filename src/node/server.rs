//! `checkServer`, `listRegistries` and `createRegistry`: a server, outside of a deployment.

use super::cancel::CancelHandle;
use super::failure::{Outcome, outcome};
use super::options::parse;
use crate::DeployError;
use crate::dokploy::{CreateRegistry, Dokploy, Registry};
use crate::secrets::Secret;
use napi_derive::napi;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `ServerCredentials` of the public JavaScript.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsServer {
    endpoint: String,
    token: Secret,
}

/// `RegistryLogin` of the public JavaScript.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsLogin {
    name: Option<String>,
    url: String,
    username: String,
    password: Secret,
}

/// `ServerRegistry` of the public JavaScript; never with a password.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsRegistry {
    registry_id: String,
    name: String,
    url: String,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_prefix: Option<String>,
}

/// No options but the signal, which the facade takes out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {}

/// Runs `Dokploy::identify`.
#[napi]
pub async fn check_server(server: Value, options: Value, cancel: &CancelHandle) -> Outcome {
    outcome(until(cancel, async { Box::pin(connect(server, options)?.identify()).await }).await)
}

/// Runs `RegistryApi::all`.
#[napi]
pub async fn list_registries(server: Value, options: Value, cancel: &CancelHandle) -> Outcome {
    let list = async {
        let registries = connect(server, options)?.registry().all().await?;
        Ok(registries.into_iter().map(JsRegistry::from).collect::<Vec<_>>())
    };
    outcome(until(cancel, list).await)
}

/// Runs `RegistryApi::log_in`.
#[napi]
pub async fn create_registry(server: Value, login: Value, options: Value, cancel: &CancelHandle) -> Outcome {
    let create = async {
        let JsLogin { name, url, username, password } = parse("registry", login)?;
        let (registry_name, registry_url) = (name.as_deref().unwrap_or(&url), url.as_str());
        let create = CreateRegistry { registry_name, username: &username, password: &password, registry_url };
        connect(server, options)?.registry().log_in(&create).await.map(JsRegistry::from)
    };
    outcome(until(cancel, create).await)
}

fn connect(server: Value, options: Value) -> Result<Dokploy, DeployError> {
    let JsServer { endpoint, token } = parse("server", server)?;
    let Options {} = parse("options", options)?;
    Dokploy::new(&endpoint, &token)
}

/// Waits for a result, no longer than until the caller cancels.
async fn until<T>(cancel: &CancelHandle, work: impl Future<Output = Result<T, DeployError>>) -> Result<T, DeployError> {
    let token = cancel.token();
    token.run_until_cancelled(work).await.unwrap_or_else(|| Err(DeployError::cancelled()))
}

impl From<Registry> for JsRegistry {
    fn from(registry: Registry) -> Self {
        let Registry { registry_id, registry_name, username, registry_url, image_prefix, password: _ } = registry;
        Self { registry_id, name: registry_name, url: registry_url, username, image_prefix }
    }
}
