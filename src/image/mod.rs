//! Images: build, push, digest, fingerprint.

mod build;
mod builder;
mod challenge;
mod client;
mod connection;
mod context;
mod docker;
mod dockerfile;
mod glob;
mod ignore;
mod login;
mod preconditions;
mod process;
mod reference;
mod registry;
mod stream;

pub use build::ImageBuild;
pub use builder::{BuiltImage, ImageBuilder, LogLine};
pub use docker::DockerBuilder;
pub use login::RegistryLogin;
pub use reference::ImageReference;
pub use registry::{LoginCheck, RegistryClient, Resolution};
