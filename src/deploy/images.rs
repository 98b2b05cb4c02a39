//! Images before anything is changed: what makes them unchanged, and what a given tag stands for.

use super::request::{DeployRequest, RunOptions};
use super::wanted::registry_host;
use crate::DeployError;
use crate::image::{DockerBuilder, ImageBuilder, RegistryLogin};
use crate::plan::WantedImage;
use crate::secrets::Redactor;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds the fingerprint of each image that has to be built, and the digest of each that is given by a tag.
///
/// # Errors
///
/// `IMAGE_BUILD` when a Dockerfile or context cannot be read, `HOOK_FAILED` for a hook, `IMAGE_REGISTRY` when a registry
/// says that a given image does not exist or refuses the login.
pub(super) async fn resolve_images(
    images: BTreeMap<String, WantedImage>,
    builder: &dyn ImageBuilder,
    request: &DeployRequest,
) -> Result<BTreeMap<String, WantedImage>, DeployError> {
    let resolve = |(app, image): (String, WantedImage)| async move {
        let image = match image {
            WantedImage::Build { build, .. } => {
                let fingerprint = builder.fingerprint(&build).await?;
                WantedImage::Build { build, fingerprint }
            }
            given @ WantedImage::Given { .. } => given,
        };
        Ok::<_, DeployError>((app, image))
    };
    Ok(try_join_all(images.into_iter().map(resolve)).await?.into_iter().collect())
}

/// Our own builder: `docker`, with the login at the image registry.
pub(super) fn local_builder(
    request: &DeployRequest,
    options: &RunOptions,
    redactor: &Arc<Redactor>,
) -> Arc<dyn ImageBuilder> {
    let builder = DockerBuilder::new(&options.surroundings.docker).redactor(Arc::clone(redactor));
    let login = request.settings.credentials.registry.as_ref().and_then(|login| {
        let registry = registry_host(&request.workspace, login)?;
        Some(RegistryLogin { registry, username: login.username.clone(), password: login.password.clone() })
    });
    match login {
        Some(login) => Arc::new(builder.login(login)),
        None => Arc::new(builder),
    }
}
