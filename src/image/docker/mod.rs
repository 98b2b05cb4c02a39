//! Building and pushing with the `docker` command line.

mod builder;
mod client;
mod dockerfile;
mod preconditions;
mod process;

pub use builder::DockerBuilder;
