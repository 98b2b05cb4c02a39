//! What should stand on the server when the run is over.

use super::step::Step;
use crate::env::EnvSource;
use crate::image::ImageBuild;
use crate::secrets::Secret;
use crate::workspace::ContainerCheck;
use crate::workspace::{AppType, Health, Release};
use indexmap::IndexMap;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What should stand on the server, in DNS and in the database.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The workspace's name; the project is called so.
    pub workspace: String,
    /// The stage; the environment is called so.
    pub stage: String,
    /// The Postgres service, if the workspace declares one.
    pub postgres: Option<DesiredPostgres>,
    /// When the database is backed up, as cron has it, if the workspace declares backups.
    pub backups: Option<String>,
    /// The Redis service, if the workspace declares one.
    pub redis: Option<DesiredRedis>,
    /// The apps of this run, dependencies before dependents.
    pub apps: IndexMap<String, DesiredApp>,
    /// Every app that the workspace declares, of this run or not.
    pub declared: BTreeSet<String>,
    /// The host names of the apps of this run.
    pub hosts: IndexMap<String, DesiredHost>,
    /// Every host name that the workspace gives an app of this stage, of this run or not, and the app.
    pub declared_hosts: BTreeMap<String, String>,
    /// The host names that apps have in other stages.
    pub hosts_elsewhere: BTreeSet<String>,
    /// The root domains of the zones that we can write to.
    pub writable_zones: BTreeSet<String>,
    /// The server's address, when a record needs it.
    pub server_ip: Option<IpAddr>,
    /// The fingerprint of the roles and schemas, when an app needs one.
    pub database: Option<DesiredDatabase>,
    /// The credentials that this run changes, by app.
    pub rotations: BTreeMap<String, DesiredRotation>,
    /// Whether a deployment is followed until it runs.
    pub follows: bool,
    /// Whether domains are attached.
    pub domains: bool,
    /// Whether DNS records of others must stay.
    pub protect_foreign_dns: bool,
    /// Apps whose unmarked application may be taken.
    pub adopt: BTreeSet<String>,
}

/// The Postgres service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPostgres {
    /// The image.
    pub image: String,
    /// The database.
    pub database: String,
    /// The master role.
    pub user: String,
}

/// The Redis service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRedis {
    /// The image.
    pub image: String,
}

/// The roles and schemas of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredDatabase {
    /// Equal fingerprints mean that nothing has to be applied.
    pub fingerprint: String,
    /// App to role, as the plan shows them.
    pub roles: BTreeMap<String, String>,
    /// App that is gone to the role that it had, which is barred from logging in.
    pub retired: BTreeMap<String, String>,
    /// How the database is reached.
    pub way: DatabaseWay,
}

/// How the database is reached, as a plan shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseWay {
    /// The way.
    pub route: DatabaseRoute,
    /// Why that way.
    pub why: String,
    /// Whether the external port is taken where that way fails as a way.
    pub falls_back: bool,
}

impl DatabaseWay {
    /// Says in a step which way it takes, and what that does to the database.
    pub(super) fn show_in(&self, step: &mut Step) {
        step.details.push(format!("reached {}: {}", self.route.as_words(), self.why));
        if self.route == DatabaseRoute::ExternalPort {
            step.opens_port = true;
            step.restarts.push("postgres (when its port opens, and when it closes)".to_owned());
        } else if self.falls_back {
            step.details
                .push("or, where that does not work, through its external port: then postgres restarts".to_owned());
        }
    }
}

/// The credentials of an app that a run changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredRotation {
    /// What its database login has still to go through; `None`: it stays as it is.
    pub login: Option<LoginStage>,
    /// The app's role.
    pub role: String,
    /// The name of its second login.
    pub second: String,
    /// The generated variables that get another value.
    pub secrets: BTreeSet<String>,
}

/// What a database login has still to go through until its password is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginStage {
    /// Everything: a second login, a deployment with it, another password, a deployment with that, and back to one login.
    Whole,
    /// Another password and nothing else: no app runs with it.
    Idle,
    /// The app runs with its second login; the rest.
    Change,
    /// Its own login has another password already; the rest.
    Return,
    /// The app runs with its own login again; the second one has to go.
    Close,
}

/// The way to the database that a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DatabaseRoute {
    /// Its external port, opened for a while.
    ExternalPort,
    /// A short-lived application on the server's network.
    Internal,
}

impl DatabaseRoute {
    pub(super) const fn as_words(self) -> &'static str {
        match self {
            Self::ExternalPort => "through its external port",
            Self::Internal => "from inside the server's network",
        }
    }
}

/// One app.
#[derive(Debug, Clone)]
pub struct DesiredApp {
    /// Its name.
    pub name: String,
    /// What kind of app it is.
    pub app_type: AppType,
    /// The port it listens on.
    pub port: u16,
    /// Its host name; empty for an app without one, which only a run has that attaches no domains.
    pub host: String,
    /// The apps of this run that it depends on.
    pub dependencies: Vec<String>,
    /// Its image.
    pub image: DesiredImage,
    /// Its environment.
    pub env: DesiredEnv,
    /// The login with which the server pulls its image, as user and registry.
    pub registry: Option<DesiredRegistry>,
    /// What is run once before it is deployed.
    pub release: Option<Release>,
    /// How it is found out that it works.
    pub health: Health,
}

impl DesiredApp {
    /// Whether its environment has this variable, be its value known or not.
    pub(super) fn uses(&self, variable: &str) -> bool {
        self.env.values.contains_key(variable) || self.env.unknown.contains(variable)
    }

    /// The health check that its containers are to have.
    pub fn check(&self) -> Option<ContainerCheck> {
        match &self.health {
            Health::Check(check) => Some(ContainerCheck::of(check, self.port)),
            Health::Port { .. } | Health::Unchecked => None,
        }
    }
}

/// The login with which the server pulls an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRegistry {
    /// The registry's host.
    pub url: String,
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

/// An app's environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredEnv {
    /// Every variable that is known now.
    pub values: IndexMap<String, Secret>,
    /// The variables whose values are known only after apply.
    pub unknown: BTreeSet<String>,
    /// Where the values come from, as far as that is known.
    pub sources: BTreeMap<String, EnvSource>,
}

impl DesiredEnv {
    /// Whether a variable carries a credential that we make ourselves: its value may change without another environment.
    pub(super) fn is_credential(&self, name: &str) -> bool {
        let source = self.sources.get(name);
        self.unknown.contains(name)
            || matches!(source, Some(EnvSource::Database | EnvSource::Cache | EnvSource::Generated))
    }

    /// What the user gave, of `values`: those of this environment, complete.
    pub fn given(&self, values: &IndexMap<String, Secret>) -> BTreeMap<String, Secret> {
        let given = values.iter().filter(|(name, _)| self.sources.get(*name) == Some(&EnvSource::User));
        given.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// An app's image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesiredImage {
    /// The caller names it.
    Given {
        /// The reference to deploy.
        reference: String,
        /// Whether the reference names a digest, so that equal references are equal images.
        exact: bool,
    },
    /// It is built.
    Build {
        /// From what.
        build: ImageBuild,
        /// What makes it unchanged; `None`: it is always built.
        fingerprint: Option<String>,
    },
}

/// A host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredHost {
    /// The app behind it.
    pub app: String,
    /// Where its record lives; `None` when no zone is configured for it.
    pub zone: Option<HostZone>,
}

/// The zone of a host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostZone {
    /// The root domain.
    pub root: String,
    /// The record's name within it, `@` for the root itself.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// The time to live in seconds.
    pub ttl: u32,
    /// Whether the user makes the records.
    pub manual: bool,
}
