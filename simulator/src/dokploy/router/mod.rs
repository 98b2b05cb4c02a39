//! One file per router, as on the real server.

mod application;
mod database;
mod deployment;
mod dispatch;
mod docker;
mod domain;
mod environment;
mod mounts;
mod port;
mod postgres;
mod project;
mod redis;
mod registry;
mod settings;
mod swarm;
mod tag;
mod user;

pub(crate) use dispatch::perform;
