//! The clients of a run: the Dokploy server, where the state is kept, who builds images.

use crate::deploy::request::{Credentials, DeployRequest, RegistryCredentials, RunOptions};
use crate::dokploy::{ClientSettings, Dokploy};
use crate::image::{DockerBuilder, ImageBuilder, RegistryLogin};
use crate::secrets::Redactor;
use crate::state::{LocalStateStore, StateProvider};
use crate::workspace::{StateSettings, Workspace};
use crate::{DeployError, ErrorCode};
use std::sync::Arc;

/// Makes the client of the stage's server.
///
/// # Errors
///
/// `INVALID_REQUEST` when no endpoint is known or it is not an address.
pub(crate) fn dokploy_client(
    workspace: &Workspace,
    stage: &str,
    credentials: &Credentials,
    settings: &ClientSettings,
    redactor: &Arc<Redactor>,
) -> Result<Dokploy, DeployError> {
    let dokploy = &credentials.dokploy;
    let declared = workspace.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.endpoint(stage));
    let endpoint = dokploy.endpoint.as_deref().or(declared).ok_or_else(|| {
        DeployError::new(
            ErrorCode::InvalidRequest,
            format!("credentials.dokploy.endpoint: no endpoint is known for stage `{stage}`"),
        )
        .hint("Set it, or deploy.dokploy.endpoint or deploy.dokploy.endpoints[stage] in the workspace")
    })?;
    Dokploy::with_settings(endpoint, &dokploy.token, settings.clone(), Arc::clone(redactor))
}

/// Where the state is kept.
///
/// # Errors
///
/// `PROVIDER_UNSUPPORTED` when the workspace names a provider that is not built in and no hook is given.
pub(crate) fn state_provider(
    workspace: &Workspace,
    options: &RunOptions,
) -> Result<Arc<dyn StateProvider>, DeployError> {
    match (&options.state_provider, &workspace.state) {
        (Some(provider), _) => Ok(Arc::clone(provider)),
        (None, StateSettings::Local) => Ok(Arc::new(LocalStateStore::new(&workspace.root))),
        (None, StateSettings::Named(name)) => {
            Err(DeployError::new(ErrorCode::ProviderUnsupported, format!("state.provider: `{name}` is not built in"))
                .hint("Pass an object with read() and write() as the option `stateProvider`"))
        }
    }
}

/// The registry's host: the login's own, else that of the workspace's `registry`.
pub(crate) fn registry_host(workspace: &Workspace, login: &RegistryCredentials) -> Option<String> {
    let declared = workspace.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.registry.as_deref());
    let url = login.url.as_deref().or(declared)?;
    let bare = url.trim_start_matches("https://").trim_start_matches("http://");
    bare.split('/').next().filter(|host| !host.is_empty()).map(str::to_owned)
}

/// The login at the image registry, when one is given and it is known where.
pub(crate) fn registry_login(request: &DeployRequest) -> Option<RegistryLogin> {
    let login = request.settings.credentials.registry.as_ref()?;
    let registry = registry_host(&request.workspace, login)?;
    Some(RegistryLogin { registry, username: login.username.clone(), password: login.password.clone() })
}

/// Our own builder: `docker`, with the login at the image registry.
pub(crate) fn local_builder(
    request: &DeployRequest,
    options: &RunOptions,
    redactor: &Arc<Redactor>,
) -> Arc<dyn ImageBuilder> {
    let builder = DockerBuilder::new(&options.surroundings.docker).redactor(Arc::clone(redactor));
    let login = registry_login(request);
    match login {
        Some(login) => Arc::new(builder.login(login)),
        None => Arc::new(builder),
    }
}
