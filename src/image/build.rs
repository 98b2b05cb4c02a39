//! What to build: pure data, of which plans are made.

use derive_setters::Setters;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to build for an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Setters)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImageBuild {
    /// The app.
    #[setters(into)]
    pub app: String,
    /// The reference to build and push as, with a tag: `ghcr.io/org/shop-api:staging-…`.
    #[setters(into)]
    pub reference: String,
    /// The absolute path of the Dockerfile.
    #[setters(into)]
    pub dockerfile: PathBuf,
    /// The absolute path of the build context.
    #[setters(into)]
    pub context: PathBuf,
    /// Public build-time variables; never secrets, since they stay in the image's history.
    pub build_args: BTreeMap<String, String>,
    /// The platform, for instance `linux/amd64`.
    #[setters(into)]
    pub platform: String,
}

impl ImageBuild {
    /// What to build for an app, for `linux/amd64` and without variables.
    pub fn new(
        app: impl Into<String>,
        reference: impl Into<String>,
        dockerfile: impl Into<PathBuf>,
        context: impl Into<PathBuf>,
    ) -> Self {
        Self {
            app: app.into(),
            reference: reference.into(),
            dockerfile: dockerfile.into(),
            context: context.into(),
            build_args: BTreeMap::new(),
            platform: "linux/amd64".to_owned(),
        }
    }
}
