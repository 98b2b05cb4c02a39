//! The registry that the workspace names by its id on the server (`deploy.dokploy.registryId`).

use super::clients::dokploy_client;
use crate::deploy::request::{DeployRequest, RegistryCredentials, RunOptions};
use crate::dokploy::{Dokploy, Registry};
use crate::secrets::Redactor;
use crate::{DeployError, ErrorCode};
use std::sync::Arc;

/// Where the workspace says it.
const PATH: &str = "deploy.dokploy.registryId";

/// Takes address and login of the registry that the workspace names, where the request has no login of its own.
///
/// # Errors
///
/// `INVALID_WORKSPACE` when the server has no such registry, or does not tell its login; `DOKPLOY_*`, `CANCELLED`.
pub(crate) async fn take_declared_registry(
    mut request: DeployRequest,
    options: &RunOptions,
) -> Result<DeployRequest, DeployError> {
    let DeployRequest { workspace, settings } = &request;
    let declared = workspace.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.registry_id.clone());
    let Some(id) = declared.filter(|_| settings.credentials.registry.is_none()) else { return Ok(request) };
    let redactor = Arc::new(Redactor::new());
    let client = &options.surroundings.client;
    let client = dokploy_client(workspace, &settings.stage, &settings.credentials, client, &redactor)?;
    let found = options.cancel.run_until_cancelled(find(&client, &id)).await;
    let registry = found.ok_or_else(DeployError::cancelled)??;
    let Registry { registry_url, username, image_prefix, password, .. } = registry;
    let password = password.ok_or_else(|| refused(&format!("the server does not tell the password of {id}")))?;
    if let Some(dokploy) = &mut request.workspace.deploy.dokploy {
        // As the server itself names the images that it pushes there.
        let prefix = image_prefix.filter(|prefix| !prefix.is_empty()).unwrap_or_else(|| username.clone());
        dokploy.registry.get_or_insert_with(|| format!("{registry_url}/{prefix}"));
    }
    request.settings.credentials.registry = Some(RegistryCredentials { url: Some(registry_url), username, password });
    Ok(request)
}

async fn find(client: &Dokploy, id: &str) -> Result<Registry, DeployError> {
    let registries = client.registry().all().await.map_err(|error| {
        let error = DeployError::from(error);
        match error.code() {
            ErrorCode::DokployForbidden => refused("this key may not read the server's registries")
                .endpoint(client.origin())
                .hint("Use the key of the owner or of an admin, or pass credentials.registry and leave registryId out"),
            _ => error,
        }
    })?;
    let known: Vec<String> =
        registries.iter().map(|it| format!("{} ({}, {})", it.registry_id, it.registry_name, it.registry_url)).collect();
    registries.into_iter().find(|registry| registry.registry_id == id).ok_or_else(|| {
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        refused(&format!("the server has no registry \"{id}\"; it has {known}"))
            .endpoint(client.origin())
            .hint("Correct the id, or leave it out and pass credentials.registry")
    })
}

fn refused(why: &str) -> DeployError {
    DeployError::new(ErrorCode::InvalidWorkspace, format!("{PATH}: {why}")).reason("registry")
}
