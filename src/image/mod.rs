//! Images: build, push, digest, fingerprint.

mod builder;
mod client;
mod context;
mod docker;
mod glob;
mod ignore;
mod login;
mod process;
mod reference;
mod stream;

pub use builder::{BuiltImage, ImageBuild, ImageBuilder, LogLine};
pub use docker::DockerBuilder;
pub use login::RegistryLogin;
pub use reference::ImageReference;
