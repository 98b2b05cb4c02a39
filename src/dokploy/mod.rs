//! The client of Dokploy's HTTP API, and the verification of what it deployed.
//!
//! [`Dokploy`] is the client; each router of the API has a file and an accessor: `dokploy.application().create(…)`.
//! Every endpoint method fails with [`ApiError`], which converts into a [`DeployError`](crate::DeployError).

mod api;
mod client;
mod compatibility;
mod mark;
mod rollout;
mod transport;

pub use api::{
    Application, ApplicationApi, Backup, BackupApi, BackupFields, Certificate, Container, ContainerConfig,
    CreateApplication, CreateDomain, CreatePostgres, CreateRedis, CreateRegistry, CreatedProject, Deployment,
    DeploymentApi, DeploymentStatus, Destination, DestinationApi, DestinationFields, DockerApi, Domain, DomainApi,
    Environment, EnvironmentApi, HealthCheckSwarm, NodeApp, Postgres, PostgresApi, Project, ProjectApi, ProjectSummary,
    QueueJob, Redis, RedisApi, Registry, RegistryApi, Replicas, RestartCondition, RestartPolicy, SaveDockerProvider,
    SaveEnvironment, ServiceEntry, ServiceStatus, ServiceTask, SettingsApi, SwarmApi, Tag, TagApi, UpdateApplication,
    UpdateDomain, UpdateEnvironment, UpdateProject,
};
pub use client::Dokploy;
pub use compatibility::{Access, KeyOwner, KeyPermissions, Mismatch, ServerCheck, Version, check_contract};
pub use mark::{Mark, MarkKind};
pub use rollout::{
    EnvDifference, Expected, Observation, OnProgress, Once, Progress, RolloutFailure, RolloutMonitor, RolloutStatus,
    ServiceSnapshot, Task, TaskState, WaitSettings, classify, exit_status, image_matches,
};
pub use transport::{ApiError, Call, ClientSettings, Failure, FieldIssue, Method, ServerTime, TimeoutClass};
