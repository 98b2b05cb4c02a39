//! Images: build, push, digest, fingerprint.

mod build;
mod builder;
mod context;
mod docker;
mod login;
mod reference;
mod registry;

pub use build::ImageBuild;
pub use builder::{BuiltImage, ImageBuilder, LogLine};
pub use docker::DockerBuilder;
pub use login::RegistryLogin;
pub use reference::ImageReference;
pub use registry::{LoginCheck, RegistryClient, Resolution};
