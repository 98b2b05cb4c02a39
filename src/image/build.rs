//! What to build: pure data, of which plans are made.

use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to build for an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageBuild {
    /// The app.
    pub app: String,
    /// The reference to build and push as, with a tag: `ghcr.io/org/shop-api:staging-…`.
    pub reference: String,
    /// The absolute path of the Dockerfile.
    pub dockerfile: PathBuf,
    /// The absolute path of the build context.
    pub context: PathBuf,
    /// Public build-time variables; never secrets, since they stay in the image's history.
    pub build_args: BTreeMap<String, String>,
    /// The platform, for instance `linux/amd64`.
    pub platform: String,
}
