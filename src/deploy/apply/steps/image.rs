//! Image builds.

use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::StepContext;
use crate::image::{ImageBuild, ImageBuilder};
use crate::state::PushedImage;
use serde_json::Map;

/// Builds and pushes an app's image, and remembers what it was built from; makes its reference known.
pub(super) async fn build(
    cx: &StepContext<'_>,
    builder: &dyn ImageBuilder,
    build: &ImageBuild,
    fingerprint: Option<&str>,
) -> Result<StepOutcome<String>, DeployError> {
    let log = |line: &str| cx.log(line);
    let built = builder.build(build, &log).await.map_err(|error| error.app(&build.app))?;
    if let Some(fingerprint) = fingerprint {
        let reference = built.reference.clone();
        let pushed = PushedImage { reference, fingerprint: fingerprint.to_owned(), unknown: Map::new() };
        cx.state.update(|state| state.deploy_native.images.insert(build.app.clone(), pushed)).await?;
    }
    Ok(StepOutcome::Changed(built.reference))
}
