//! Images: build, push, digest, fingerprint.

mod builder;

pub use builder::{BuiltImage, ImageBuild, ImageBuilder, LogLine};
