//! Who builds an image: our own way, or a hook of the caller.

use super::build::ImageBuild;
use crate::DeployError;
use async_trait::async_trait;

/// An image that is in its registry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuiltImage {
    /// The reference to deploy: `name@sha256:…` without a tag where the digest is known.
    pub reference: String,
}

impl BuiltImage {
    /// An image that was pushed as `reference`.
    pub fn new(reference: impl Into<String>) -> Self {
        Self { reference: reference.into() }
    }
}

/// Takes one line of a build's or push's output.
pub type LogLine<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Builds and pushes an image.
#[async_trait]
pub trait ImageBuilder: Send + Sync {
    /// What makes the image unchanged: equal fingerprints build equal images. `None`: always build.
    ///
    /// # Errors
    ///
    /// `IMAGE_BUILD` when the Dockerfile or the context cannot be read, `HOOK_FAILED` for a hook.
    async fn fingerprint(&self, build: &ImageBuild) -> Result<Option<String>, DeployError>;

    /// Makes sure, before anything is changed, that these images can be built; says nothing of what is in them.
    ///
    /// # Errors
    ///
    /// `IMAGE_BUILD` with the reason of what is missing.
    async fn check(&self, _builds: &[&ImageBuild]) -> Result<(), DeployError> {
        Ok(())
    }

    /// Builds the image and pushes it. Dropping the future kills the work.
    ///
    /// # Errors
    ///
    /// `IMAGE_BUILD` or `IMAGE_PUSH` with the tail of the output, `HOOK_FAILED` for a hook.
    async fn build(&self, build: &ImageBuild, log: LogLine<'_>) -> Result<BuiltImage, DeployError>;
}
