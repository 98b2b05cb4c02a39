//! Images before anything is changed: what makes them unchanged, and what a given tag stands for.

use crate::DeployError;
use crate::image::{ImageBuilder, ImageReference, RegistryClient, RegistryLogin, Resolution};
use crate::plan::DesiredImage;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a registry may take to say what a tag stands for.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Finds the fingerprint of each image that has to be built, and the digest of each that is given by a tag.
///
/// A tag whose registry does not answer, or does not know it, stays a tag: the server may see another registry than we.
///
/// # Errors
///
/// `IMAGE_BUILD` when a Dockerfile or context cannot be read, `HOOK_FAILED` for a hook, `IMAGE_REGISTRY` when a registry
/// refuses the login, `INVALID_REQUEST` when a reference is none.
pub(crate) async fn resolve_images(
    images: BTreeMap<String, DesiredImage>,
    builder: &dyn ImageBuilder,
    login: Option<&RegistryLogin>,
) -> Result<BTreeMap<String, DesiredImage>, DeployError> {
    let tags = images.values().any(|image| matches!(image, DesiredImage::Given { exact: false, .. }));
    // Made only where it is needed: loading the certificates that it trusts takes a while.
    let registries = if tags { Some(RegistryClient::new(Some(ANSWER_LIMIT))?) } else { None };
    let registries = registries.as_ref();
    let resolve = |(app, image): (String, DesiredImage)| async move {
        let image = match image {
            DesiredImage::Build { build, .. } => {
                let fingerprint = builder.fingerprint(&build).await?;
                DesiredImage::Build { build, fingerprint }
            }
            DesiredImage::Given { reference, exact } => match registries.filter(|_| !exact) {
                Some(registries) => pin(registries, &reference, login).await.map_err(|error| error.app(&app))?,
                None => DesiredImage::Given { reference, exact },
            },
        };
        Ok::<_, DeployError>((app, image))
    };
    Ok(try_join_all(images.into_iter().map(resolve)).await?.into_iter().collect())
}

/// Replaces a tag by the digest it stands for, where its registry says so.
async fn pin(
    registries: &RegistryClient,
    text: &str,
    login: Option<&RegistryLogin>,
) -> Result<DesiredImage, DeployError> {
    let reference = ImageReference::parse(text)?;
    let login = login.filter(|login| login.host() == reference.registry());
    let resolution = registries.resolve(&reference, login).await;
    match resolution {
        Resolution::Digest(digest) => {
            Ok(DesiredImage::Given { reference: reference.pinned(&digest)?.to_string(), exact: true })
        }
        Resolution::Refused { .. } if login.is_some() => {
            resolution.into_digest(&reference)?;
            Ok(DesiredImage::Given { reference: text.to_owned(), exact: false })
        }
        _ => Ok(DesiredImage::Given { reference: text.to_owned(), exact: false }),
    }
}
