//! What stands on the server, in DNS and in the database now.

use crate::secrets::Secret;
use crate::workspace::ContainerCheck;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};

/// What the server and the DNS zones answered.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The project.
    pub project: Option<ObservedProject>,
    /// The environment.
    pub environment: Option<ObservedEnvironment>,
    /// The applications that bear the names of apps, by name.
    pub applications: BTreeMap<String, ObservedApplication>,
    /// The Postgres service.
    pub postgres: Option<ObservedPostgres>,
    /// The Redis service.
    pub redis: Option<ObservedRedis>,
    /// What of the declared backups is missing or not as it should be, in words.
    pub backups: Vec<String>,
    /// Idle resources of ours that an interrupted create left beside the one in use.
    pub twins: Vec<Twin>,
    /// The A records at each host name that has a zone; an empty list where there is none.
    pub records: BTreeMap<String, ObservedRecord>,
    /// A database port that an interrupted run left open: the service's id.
    pub open_port: Option<String>,
    /// Applications of ours whose app the workspace no longer declares.
    pub orphans: Vec<String>,
    /// The server that the state is of, when that is another one than this.
    pub former_server: Option<String>,
    /// What the state names and the server no longer has.
    pub vanished: Vec<Vanished>,
}

/// What the state names and the server no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vanished {
    /// The application of an app.
    Application(String),
    /// The Postgres service, with its data.
    Postgres,
    /// The Redis service.
    Redis,
}

/// Whether a resource is ours to change (I8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ownership {
    /// The state names it, or it carries our mark.
    Ours,
    /// It bears the name that ours would have, and nothing says that it is ours.
    #[default]
    Foreign,
}

/// A project.
#[derive(Debug, Clone, Default)]
pub struct ObservedProject {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// The names of its other environments that are not an empty default one.
    pub other_environments: Vec<String>,
}

/// An environment.
#[derive(Debug, Clone, Default)]
pub struct ObservedEnvironment {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// Whether it carries our mark already.
    pub marked: bool,
    /// Whether it is the project's default one, which the server never removes by itself.
    pub is_default: bool,
    /// The names of services in it that are not ours.
    pub others: Vec<String>,
}

/// An application.
#[derive(Debug, Clone, Default)]
pub struct ObservedApplication {
    /// Its id.
    pub id: String,
    /// Its service's name.
    pub app_name: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// Its description.
    pub description: Option<String>,
    /// Whether that carries a mark, be it another stage's.
    pub marked: bool,
    /// The environment that the server stores, as the app would see it.
    pub env: IndexMap<String, Secret>,
    /// The variables that somebody gave a template of Docker Swarm: what the app sees is only known on the node.
    pub templated: BTreeSet<String>,
    /// The image that the server stores.
    pub image: Option<String>,
    /// The login that the server stores: registry, user, password.
    pub registry: Option<(String, String, Secret)>,
    /// The health check that the server stores for its containers.
    pub check: Option<ContainerCheck>,
    /// The title of its newest deployment.
    pub newest_title: Option<String>,
    /// Whether that deployment is done.
    pub newest_done: bool,
    /// The highest number that a deployment of ours of it has.
    pub serial: Option<u64>,
    /// The run that made it.
    pub serial_run: Option<String>,
    /// The titles of the deployments that wait or are under way, where it is enough that they are queued.
    pub pending: Vec<String>,
    /// What runs of it now.
    pub runs: Runs,
    /// Its domains.
    pub domains: Vec<ObservedDomain>,
}

/// What runs of an application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Runs {
    /// Nothing.
    #[default]
    Nothing,
    /// Something: its image or environment is not what the server stores, or cannot be seen.
    Something,
    /// What the server stores.
    AsStored {
        /// Whether a task ended by itself in the place of one that runs: that one may end as well.
        after_crash: bool,
    },
}

/// A domain attached to an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedDomain {
    /// Its id.
    pub id: String,
    /// Its host name.
    pub host: String,
    /// The container's port behind it.
    pub port: Option<u16>,
    /// Whether it speaks TLS.
    pub https: bool,
    /// Who issues its certificate.
    pub certificate_type: String,
    /// The path it answers at.
    pub path: Option<String>,
    /// Whether somebody has switched it off.
    pub off: bool,
}

/// A Postgres service.
#[derive(Debug, Clone, Default)]
pub struct ObservedPostgres {
    /// Its id.
    pub id: String,
    /// Its service's name, which is its host name on the server's network.
    pub app_name: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// The image.
    pub image: String,
    /// The database.
    pub database: String,
    /// The master role.
    pub user: String,
    /// The master password, when the server shows it.
    pub password: Option<Secret>,
    /// The port that is open to the world.
    pub external_port: Option<i64>,
    /// What became of its newest deployment.
    pub deployment: ServiceDeployment,
}

/// A Redis service.
#[derive(Debug, Clone, Default)]
pub struct ObservedRedis {
    /// Its id.
    pub id: String,
    /// Its service's name, which is its host name on the server's network.
    pub app_name: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// The image.
    pub image: String,
    /// The password, when the server shows it.
    pub password: Option<Secret>,
    /// What became of its newest deployment.
    pub deployment: ServiceDeployment,
}

/// What became of the newest deployment of a database service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServiceDeployment {
    /// It was never deployed.
    #[default]
    Never,
    /// It is under way, or was interrupted, and nothing of the service runs yet.
    UnderWay,
    /// It failed, and nothing of the service was seen to run.
    Failed,
    /// The server does not say that it succeeded, and the service was seen to run all the same.
    Outlived,
    /// The server accepted it.
    Done,
}

/// An idle resource of ours beside the one in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// What it is.
    pub kind: TwinKind,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What an idle twin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwinKind {
    /// A project without services.
    Project,
    /// An environment without services.
    Environment,
    /// An application that was never deployed.
    Application,
    /// A Postgres service that was never deployed.
    Postgres,
    /// A Redis service that was never deployed.
    Redis,
    /// A domain beside the recorded one.
    Domain,
    /// A short-lived application that worked on a database, left behind by an interrupted run.
    Job,
    /// A short-lived application that runs what an app wants run before it is deployed, or has run it; named by the app.
    Release,
}

/// The A records at a host name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedRecord {
    /// Their values; empty where there is none.
    pub values: Vec<String>,
    /// Their time to live in seconds.
    pub ttl: u32,
    /// Whether the vendor answers with addresses of its own, which lead to these values, as a CDN does.
    pub proxied: bool,
    /// A record of another type that stands in the way, for instance `CNAME`.
    pub conflict: Option<String>,
}
