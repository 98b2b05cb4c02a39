//! Dokploy's API: one file per router, named as the server names it.

mod application;
mod backup;
mod calls;
mod deployment;
mod destination;
mod docker;
mod domain;
mod environment;
mod health;
mod nullable;
mod postgres;
mod project;
mod queue;
mod redis;
mod registry;
mod service_status;
mod settings;
mod swarm;
mod tag;
mod user;

pub use application::{
    Application, ApplicationApi, CreateApplication, RestartCondition, RestartPolicy, SaveDockerProvider,
    SaveEnvironment, UpdateApplication,
};
pub use backup::{Backup, BackupApi, BackupFields};
pub use deployment::{Deployment, DeploymentApi, DeploymentStatus, QueueJob};
pub use destination::{Destination, DestinationApi, DestinationFields};
pub use docker::{Container, ContainerConfig, DockerApi, ServiceTask};
pub use domain::{Certificate, CreateDomain, Domain, DomainApi, UpdateDomain};
pub use environment::{Environment, EnvironmentApi, ServiceEntry, UpdateEnvironment};
pub use health::HealthCheckSwarm;
pub use postgres::{CreatePostgres, Postgres, PostgresApi};
pub use project::{CreatedProject, Project, ProjectApi, ProjectSummary, UpdateProject};
pub(super) use queue::SharedQueue;
pub use redis::{CreateRedis, Redis, RedisApi};
pub use registry::{CreateRegistry, Registry, RegistryApi};
pub use service_status::ServiceStatus;
pub use settings::SettingsApi;
pub use swarm::{NodeApp, Replicas, SwarmApi};
pub use tag::{Tag, TagApi};
pub(super) use user::{Member, Permissions, User, UserApi};
