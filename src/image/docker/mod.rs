//! Building and pushing with the `docker` command line.

mod builder;
mod client;
mod process;

pub use builder::DockerBuilder;
