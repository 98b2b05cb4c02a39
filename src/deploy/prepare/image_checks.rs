//! What of the images could fail only when half of the deployment is done, found out before its first change (I1).

use crate::deploy::context::{RunContext, registry_login};
use crate::image::{ImageBuild, ImageReference, LoginCheck, RegistryClient};
use crate::plan::{Blueprint, Desired, DesiredImage, Operation};
use crate::{DeployError, ErrorCode};
use std::time::Duration;

/// How long a registry may take to say whether it takes a login.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Makes sure that what is to be built can be built, and that the registry takes the login.
///
/// # Errors
///
/// `IMAGE_BUILD` with the reason of what is missing, `IMAGE_REGISTRY` with the reason `login-refused`.
pub(super) async fn check_images(
    context: &RunContext,
    desired: &Desired,
    blueprint: &Blueprint,
) -> Result<(), DeployError> {
    let builds: Vec<&ImageBuild> = blueprint.operations.values().filter_map(|it| build_of(it, desired)).collect();
    if !builds.is_empty() {
        context.image_builder.check(&builds).await?;
    }
    check_login(context, desired, blueprint).await
}

fn build_of<'a>(operation: &Operation, desired: &'a Desired) -> Option<&'a ImageBuild> {
    let Operation::BuildImage { app } = operation else { return None };
    match &desired.apps.get(app)?.image {
        DesiredImage::Build { build, .. } => Some(build),
        DesiredImage::Given { .. } => None,
    }
}

/// Shows the login to its registry once, where an image of that registry is pushed or pulled in this run.
async fn check_login(context: &RunContext, desired: &Desired, blueprint: &Blueprint) -> Result<(), DeployError> {
    let Some(login) = registry_login(&context.request) else { return Ok(()) };
    let concerned = blueprint.operations.values().filter_map(|operation| match operation {
        Operation::BuildImage { app } | Operation::Configure { app, .. } => desired.apps.get(app),
        _ => None,
    });
    let references = concerned.filter_map(|app| match &app.image {
        DesiredImage::Build { build, .. } => ImageReference::parse(&build.reference).ok(),
        DesiredImage::Given { reference, .. } => ImageReference::parse(reference).ok(),
    });
    let Some(image) = references.into_iter().find(|image| image.registry() == login.host()) else { return Ok(()) };
    let registries = RegistryClient::new(Some(ANSWER_LIMIT))?;
    match registries.check_login(&login, &image.repository()).await {
        LoginCheck::Refused { reason } => {
            let message = format!("{} refuses the login of {}: {reason}", login.host(), login.username);
            Err(DeployError::new(ErrorCode::ImageRegistry, context.reporter.redact(&message))
                .resource(format!("registry {}", login.host()))
                .reason("login-refused")
                .hint(
                    "Check credentials.registry: the address, the user, and a password or token that has not expired",
                ))
        }
        // From where Docker and the server stand it may look different.
        LoginCheck::Taken | LoginCheck::Unknown { .. } => Ok(()),
    }
}
