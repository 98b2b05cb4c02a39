//! The image of each app: given by the caller, or what has to be built for it.

use crate::deploy::context::iso_millis;
use crate::deploy::request::DeployRequest;
use crate::image::ImageBuild;
use crate::plan::{DesiredEnv, DesiredImage};
use crate::workspace::AppType;
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The image of each app: given by the caller, or what has to be built for it.
///
/// # Errors
///
/// `INVALID_REQUEST` when an image has to be pushed and no registry is known.
pub(super) fn desired_images(
    request: &DeployRequest,
    apps: &[String],
    envs: &IndexMap<String, DesiredEnv>,
    hooked: bool,
    now: OffsetDateTime,
) -> Result<BTreeMap<String, DesiredImage>, DeployError> {
    let DeployRequest { workspace, settings } = request;
    let tag = settings.tag.clone().unwrap_or_else(|| default_tag(&settings.stage, now));
    let registry = workspace.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.registry.as_deref());
    let mut images = BTreeMap::new();
    for name in apps {
        let image = if let Some(reference) = settings.images.get(name) {
            DesiredImage::Given { reference: reference.clone(), exact: reference.contains("@sha256:") }
        } else {
            if registry.is_none() && !hooked {
                return Err(DeployError::new(
                    ErrorCode::InvalidRequest,
                    "deploy.dokploy.registry: missing; images must be pushed somewhere the server can pull them from",
                )
                .app(name)
                .hint("Set it in the workspace, for instance ghcr.io/org, or name the images in `images`"));
            }
            DesiredImage::Build { build: build(request, name, &tag, envs.get(name)), fingerprint: None }
        };
        images.insert(name.clone(), image);
    }
    Ok(images)
}

fn build(request: &DeployRequest, name: &str, tag: &str, env: Option<&DesiredEnv>) -> ImageBuild {
    let DeployRequest { workspace, settings } = request;
    let declared = &workspace.apps[name];
    let dockerfile = declared.dockerfile.clone().unwrap_or_else(|| format!(".gkm/docker/Dockerfile.{name}"));
    let prefix = declared.public_prefix();
    let public =
        |variable: &str| declared.app_type == AppType::Web && !prefix.is_empty() && variable.starts_with(prefix);
    let values = env.into_iter().flat_map(|env| &env.values);
    ImageBuild {
        app: name.to_owned(),
        reference: format!("{}:{tag}", workspace.image_repository(name)),
        dockerfile: workspace.root.join(dockerfile),
        context: workspace.root.clone(),
        build_args: values
            .filter(|(variable, _)| public(variable))
            .map(|(variable, value)| (variable.clone(), value.expose().to_owned()))
            .collect(),
        platform: settings.platform.clone(),
    }
}

/// `{stage}-{time}` as the CLI writes it, for instance `staging-2026-11-23T07-47-41`.
fn default_tag(stage: &str, now: OffsetDateTime) -> String {
    let time: String = iso_millis(now).chars().take(19).map(|c| if c == ':' { '-' } else { c }).collect();
    format!("{stage}-{time}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn tags_are_the_clis() {
        assert_eq!(default_tag("staging", datetime!(2026-11-23 07:47:41.5 UTC)), "staging-2026-11-23T07-47-41");
    }
}
