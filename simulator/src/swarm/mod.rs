//! The Docker Swarm behind the server: services, their tasks and containers, and how they change over time.

mod command;
mod container;
mod health;
mod health_check;
mod model;
mod network;
mod orchestrator;
pub(crate) mod ports;
mod restart;
pub(crate) mod rollout;
mod task;
mod template;
pub(crate) mod view;

pub(crate) use health_check::HealthCheck;
pub(crate) use model::{Database, Order, Service, Spec};
