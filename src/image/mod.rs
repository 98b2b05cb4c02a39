//! Images: build, push, digest, fingerprint.

mod builder;
mod glob;
mod ignore;
mod reference;

pub use builder::{BuiltImage, ImageBuild, ImageBuilder, LogLine};
pub use reference::ImageReference;
