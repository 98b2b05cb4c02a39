//! The client of Dokploy's HTTP API, and what its answers prove.
//!
//! [`Dokploy`] is the client; each router of the API has a file and an accessor: `dokploy.application().create(…)`.
//! Every endpoint method fails with [`ApiError`], which converts into a [`DeployError`](crate::DeployError).

mod answer;
mod call;
mod client;
mod contract;
mod error;
mod follow;
mod log;
mod mark;
mod once;
mod outcome;
mod proof;
mod reply;
mod running;
mod transport;
mod version;
mod wait;
mod watch;

mod application;
mod deployment;
mod docker;
mod domain;
mod environment;
mod health;
mod postgres;
mod project;
mod queue;
mod redis;
mod registry;
mod settings;
mod swarm;

pub use answer::ServiceStatus;
pub use application::{
    Application, ApplicationApi, CreateApplication, RestartCondition, RestartPolicy, SaveDockerProvider,
    SaveEnvironment, UpdateApplication,
};
pub use call::{Call, Method, Patience};
pub use client::Dokploy;
pub use contract::{Mismatch, check as check_contract};
pub use deployment::{Deployment, DeploymentApi, DeploymentStatus, QueueJob};
pub use docker::{Container, ContainerConfig, DockerApi, ServiceTask};
pub use domain::{Certificate, CreateDomain, Domain, DomainApi, UpdateDomain};
pub use environment::{Environment, EnvironmentApi, ServiceEntry, UpdateEnvironment};
pub use error::{ApiError, Failure, FieldIssue};
pub use follow::{Place, locate};
pub use health::HealthCheckSwarm;
pub use mark::{Mark, MarkKind};
pub use once::{Once, exit_status};
pub use outcome::{Progress, RunFailure};
pub use postgres::{CreatePostgres, Postgres, PostgresApi};
pub use project::{CreatedProject, Project, ProjectApi, ProjectSummary, UpdateProject};
pub use redis::{CreateRedis, Redis, RedisApi};
pub use registry::{CreateRegistry, Registry, RegistryApi};
pub use running::{EnvDifference, Look, Observation, Task, TaskState, classify, image_matches};
pub use settings::SettingsApi;
pub use swarm::{NodeApp, Replicas, SwarmApi};
pub use transport::ClientSettings;
pub use version::{Access, Version};
pub use wait::{OnProgress, WaitSettings};
pub use watch::{Expected, Verdict, Watch};
