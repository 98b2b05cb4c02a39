//! The workspace as the user declared it: the CLI's `NormalizedWorkspace`.

use super::fault::WorkspaceFault;
use super::release::{Health, Release};
use derive_setters::Setters;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A workspace of several apps, validated: names, ports and references hold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Workspace {
    /// Its name; the project on the server and the database are named after it.
    pub name: String,
    /// The absolute path of its folder.
    pub root: PathBuf,
    /// Its apps by name, in the order of declaration.
    pub apps: IndexMap<String, App>,
    /// The services it declares.
    pub services: Services,
    /// Where and how it is deployed.
    pub deploy: DeploySettings,
    /// Where its state is kept.
    pub state: StateSettings,
    /// What it declares and a deployment does not do, in the order of the document.
    pub warnings: Vec<WorkspaceFault>,
}

/// What kind of app it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppType {
    /// Runs on the server and answers requests.
    Backend,
    /// A front end that runs in browsers.
    Web,
    /// A front end with a toolchain of its own; never deployed by us.
    Mobile,
}

impl AppType {
    /// The name in the workspace file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Web => "web",
            Self::Mobile => "mobile",
        }
    }
}

/// One app of a workspace.
#[derive(Debug, Clone, PartialEq, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct App {
    /// What kind of app it is; default backend.
    pub app_type: AppType,
    /// Its folder, relative to the workspace's root; of an app by itself also absolute.
    #[setters(into)]
    pub path: String,
    /// The port it listens on, 1 to 65535; of a mobile app 8081 by default, since it is never deployed. Two apps may
    /// have the same: each runs in a container of its own.
    pub port: u16,
    /// The apps it calls, each once; they exist and form no circle.
    pub dependencies: Vec<String>,
    /// The framework, for instance `hono`, `nextjs` or `vite`; of a front end one whose public prefix we know.
    #[setters(into)]
    pub framework: Option<String>,
    /// The entry file of an entry app, relative to its folder.
    #[setters(into)]
    pub entry: Option<String>,
    /// The globs in which a route app's constructs are found, relative to its folder: `routes`, `constructs`,
    /// `functions`, `crons`, `queues`, `topics` and `subscribers` together.
    pub routes: Vec<String>,
    /// `path#export` of the environment parser, or of a function that takes one.
    #[setters(into)]
    pub env_parser: Option<String>,
    /// `path#export` of the logger of a route app.
    #[setters(into)]
    pub logger: Option<String>,
    /// The module that sets up the server of a route app (`hooks.server`).
    #[setters(into)]
    pub server_hooks: Option<String>,
    /// Files of a front end that parse their configuration when imported.
    pub config: ConfigFiles,
    /// The variables it needs, listed by hand; takes the place of sniffing.
    pub required_env: Option<Vec<String>>,
    /// Its host name: one, or one per stage.
    pub domain: Option<Domain>,
    /// Apps whose database role may read this app's tables, for the owner of the `public` schema.
    pub shared_with: Vec<String>,
    /// The Dockerfile, relative to the workspace's root; default `.gkm/docker/Dockerfile.{app}`.
    #[setters(into)]
    pub dockerfile: Option<String>,
    /// What is run once before it is deployed.
    pub release: Option<Release>,
    /// How it is found out that it works; default: its port accepts connections.
    pub health: Health,
}

impl App {
    /// A backend in a folder, that listens on a port. Only a [`Workspace`] checks what it says.
    pub fn new(path: impl Into<String>, port: u16) -> Self {
        Self {
            app_type: AppType::Backend,
            path: path.into(),
            port,
            dependencies: Vec::new(),
            framework: None,
            entry: None,
            routes: Vec::new(),
            env_parser: None,
            logger: None,
            server_hooks: None,
            config: ConfigFiles::default(),
            required_env: None,
            domain: None,
            shared_with: Vec::new(),
            dockerfile: None,
            release: None,
            health: Health::default(),
        }
    }
}

/// The `config` files of a front end, relative to its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct ConfigFiles {
    /// Runs in the browser: its variables are public.
    #[setters(into)]
    pub client: Option<String>,
    /// Runs on the server.
    #[setters(into)]
    pub server: Option<String>,
}

/// A host name of an app, in lower case and in its DNS form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domain {
    /// The same for every stage.
    Always(String),
    /// One per stage.
    PerStage(BTreeMap<String, String>),
}

/// The services of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Services {
    /// A Postgres database.
    pub db: Option<Service>,
    /// A Redis cache.
    pub cache: Option<Service>,
}

/// A service and which image runs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// The version: the image's tag.
    pub version: Option<String>,
    /// The image, with or without a tag.
    pub image: Option<String>,
}

/// The `deploy` part of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct DeploySettings {
    /// The Dokploy server.
    pub dokploy: Option<DokploySettings>,
    /// The backups of the database.
    pub backups: Option<BackupSettings>,
    /// The DNS zones by root domain, each with its provider. The legacy form is normalised to this one.
    pub dns: IndexMap<String, DnsZone>,
}

/// The `deploy.dokploy` part of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DokploySettings {
    /// The server's address, when there is one for all stages; `http` or `https`, without a final slash.
    pub endpoint: Option<String>,
    /// The server's address per stage.
    pub endpoints: BTreeMap<String, String>,
    /// Where images are pushed, for instance `ghcr.io/org`; without scheme and final slash.
    pub registry: Option<String>,
    /// The id of the registry on the server whose login is used where none is given.
    pub registry_id: Option<String>,
    /// The base domain per stage, in lower case.
    pub domains: BTreeMap<String, String>,
}

/// A DNS zone and who serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsZone {
    /// `hostinger`, `cloudflare`, `route53`, `manual`, or another name for which a hook is given; `custom` for a provider object
    /// without a name.
    pub provider: String,
    /// The time to live of the records in seconds; default 300.
    pub ttl: u32,
    /// The account, for `route53`.
    pub account: AwsAccount,
    /// The hosted zone to use, for `route53`; default the longest public one that holds the host name.
    pub hosted_zone_id: Option<String>,
}

/// An account at AWS, or at what speaks its protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AwsAccount {
    /// The region.
    pub region: Option<String>,
    /// The profile of `~/.aws`; default: what the AWS tools find.
    pub profile: Option<String>,
}

/// The backups of the database, in a bucket of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupSettings {
    /// The account; it always has a region.
    pub account: AwsAccount,
    /// When, as cron has it; default every night at two.
    pub schedule: String,
    /// How many are kept; default 30.
    pub retention: u32,
}

/// A state in AWS's parameter store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SsmSettings {
    /// The account; it always has a region.
    pub account: AwsAccount,
    /// What the parameter costs and holds.
    pub tier: SsmTier,
}

/// What a parameter costs and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SsmTier {
    /// Free, 4 KB; the default.
    #[default]
    Standard,
    /// Charged, 8 KB. A parameter never goes back to the standard tier.
    Advanced,
    /// Standard while the state fits, advanced from then on.
    IntelligentTiering,
}

/// A state in a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct S3Settings {
    /// The account.
    pub account: AwsAccount,
    /// The bucket.
    pub bucket: String,
    /// The store's address; default AWS's own.
    pub endpoint: Option<String>,
    /// What the keys begin with; default nothing.
    pub prefix: String,
    /// Whether the bucket is part of the path instead of the host name; default: with an endpoint.
    pub path_style: Option<bool>,
}

/// The `state` part of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StateSettings {
    /// A file in the workspace.
    #[default]
    Local,
    /// A parameter of AWS Systems Manager.
    Ssm(SsmSettings),
    /// An object in a bucket.
    S3(S3Settings),
    /// A provider that is not built in; a hook must be given for it. `custom` for a provider object without a name.
    Named(String),
}

impl DokploySettings {
    /// The endpoint of a stage: its own, else the one for all.
    pub fn endpoint(&self, stage: &str) -> Option<&str> {
        self.endpoints.get(stage).or(self.endpoint.as_ref()).map(String::as_str)
    }
}
