//! Images: build, push, digest, fingerprint.

mod build;
mod builder;
mod challenge;
mod client;
mod context;
mod docker;
mod glob;
mod ignore;
mod login;
mod process;
mod reference;
mod registry;
mod stream;

pub use build::ImageBuild;
pub use builder::{BuiltImage, ImageBuilder, LogLine};
pub use docker::DockerBuilder;
pub use login::RegistryLogin;
pub use reference::ImageReference;
pub use registry::{RegistryClient, Resolution};
