//! What is known of a stage's resources: observed before the run, or made known by its steps.

use super::output::Output;
use crate::deploy::context::{ApplicationRef, PostgresService, RedisService};
use crate::deploy::report::{AppStatus, DomainStatus, RetiredRole};
use crate::plan::{Observed, Ownership};
use crate::postgres::IsolationReport;
use crate::secrets::Secret;
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// What is known of a stage's resources.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// The project's id.
    pub(crate) project: Option<Output<String>>,
    /// The environment's id.
    pub(crate) environment: Option<Output<String>>,
    /// The application of each app.
    pub(crate) applications: BTreeMap<String, Output<ApplicationRef>>,
    /// The Postgres service.
    pub(crate) postgres: Option<Output<PostgresService>>,
    /// The Redis service.
    pub(crate) redis: Option<Output<RedisService>>,
    /// The image of each app that is built.
    pub(crate) images: BTreeMap<String, Output<String>>,
    /// The deployments of each app, the newest last.
    pub(crate) deployments: BTreeMap<String, Vec<Output<AppDeployment>>>,
    /// What DNS says of each host name that is verified.
    pub(crate) hosts: BTreeMap<String, Output<HostCheck>>,
    /// How far the domain of each app came.
    pub(crate) domains: BTreeMap<String, Output<DomainStatus>>,
    /// What became of the database's roles.
    pub(crate) roles: Option<Output<RolesApplied>>,
}

/// What was seen of an app's deployment.
#[derive(Debug, Clone)]
pub(crate) struct AppDeployment {
    /// How far it came.
    pub(crate) status: AppStatus,
    /// The environment that it runs with; `None` when it was not followed until it runs.
    pub(crate) env: Option<IndexMap<String, Secret>>,
}

/// Whether the authoritative servers of a host name answer with the server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostCheck {
    /// They do.
    Verified,
    /// They do not, and why.
    Unverified(String),
}

/// What became of the database's roles.
#[derive(Debug, Clone, Default)]
pub(crate) struct RolesApplied {
    /// The proof of isolation, where there are roles to isolate.
    pub(crate) isolation: Option<IsolationReport>,
    /// The roles of removed apps that were barred from logging in.
    pub(crate) retired: Vec<RetiredRole>,
}

impl Resources {
    /// What was observed.
    pub(crate) fn observed(observed: &Observed) -> Self {
        let postgres = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
        let redis = observed.redis.as_ref().filter(|found| found.ownership == Ownership::Ours);
        let applications = observed.applications.iter();
        Self {
            project: observed.project.as_ref().map(|found| Output::known(found.id.clone())),
            environment: observed.environment.as_ref().map(|found| Output::known(found.id.clone())),
            applications: applications.map(|(app, found)| (app.clone(), Output::known(found.into()))).collect(),
            postgres: postgres.map(|found| Output::known(found.into())),
            redis: redis.map(|found| Output::known(found.into())),
            ..Self::default()
        }
    }

    /// The newest deployment of an app that came to its end.
    pub(crate) fn deployment(&self, app: &str) -> Option<AppDeployment> {
        self.deployments.get(app)?.iter().rev().find_map(Output::get)
    }

    /// Why DNS does not answer for a host name; `None` when it does, or was not asked.
    pub(crate) fn unverified(&self, host: &str) -> Option<String> {
        match self.hosts.get(host)?.get()? {
            HostCheck::Verified => None,
            HostCheck::Unverified(reason) => Some(reason),
        }
    }
}
