//! Reading the server: what of ours stands there, what it stores, and what runs. Makes only reads.

mod application;
mod place;
mod select;
mod service;

use crate::DeployError;
use crate::dokploy::{Dokploy, Environment, Mark, MarkKind, ServiceEntry, ServiceStatus};
use crate::plan::{Observed, Ownership, Vanished};
use crate::state::State;
use application::applications;
use futures_util::future::try_join3;
use place::place;
use select::Candidate;
pub(super) use service::runs;
use service::{postgres, redis};
use std::collections::BTreeSet;

/// The name of the Postgres service (facts: the CLI calls it so).
pub(super) const POSTGRES_NAME: &str = "db";
/// The name of the Redis service.
pub(super) const REDIS_NAME: &str = "cache";
/// The name that Dokploy gives the environment of every new project.
pub(super) const DEFAULT_ENVIRONMENT: &str = "production";

/// What to look for on the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The workspace's name.
    pub(super) workspace: &'a str,
    /// The stage.
    pub(super) stage: &'a str,
    /// The apps to read; every app that the workspace declares.
    pub(super) apps: &'a BTreeSet<String>,
    /// Whether containers are read; a member's key may not.
    pub(super) containers: bool,
    /// Whether deployments that wait in the server's queue count: nothing more of them is waited for.
    pub(super) pending: bool,
}

impl Scope<'_> {
    /// The mark of a resource of this stage.
    pub(super) fn mark(&self, kind: MarkKind, name: &str) -> Mark {
        let stage = (kind != MarkKind::Project).then(|| self.stage.to_owned());
        Mark { workspace: self.workspace.to_owned(), stage, kind, name: name.to_owned() }
    }

    fn marked(&self, description: Option<&str>, kind: MarkKind, name: &str) -> bool {
        description.and_then(Mark::parse).is_some_and(|mark| mark == self.mark(kind, name))
    }

    /// A project serves every stage of a workspace, so its mark names none.
    pub(super) fn project_mark(&self) -> Mark {
        self.mark(MarkKind::Project, self.workspace)
    }

    /// The services of a name as [`select`] takes them.
    fn candidates<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e ServiceEntry>,
        kind: MarkKind,
        name: &str,
    ) -> Vec<Candidate> {
        let candidate = |entry: &ServiceEntry| Candidate {
            id: entry.id.clone(),
            name: entry.name.clone(),
            marked: self.marked(entry.description.as_deref(), kind, name),
            idle: entry.application_status == ServiceStatus::Idle,
            created_at: entry.created_at.clone(),
        };
        entries.into_iter().map(candidate).collect()
    }
}

/// Reads everything that a plan compares.
///
/// # Errors
///
/// `DOKPLOY_*` when the server refuses or fails a call, `RESOURCE_AMBIGUOUS` when several resources could be meant.
pub(super) async fn observe(
    client: &Dokploy,
    scope: Scope<'_>,
    state: Option<&State>,
) -> Result<Observed, DeployError> {
    let mut observed = Observed::default();
    let Some(environment) = place(client, scope, state, &mut observed).await? else {
        return Ok(observed);
    };
    let applications = applications(client, scope, state, &environment);
    let postgres = postgres(client, scope, state, &environment);
    let redis = redis(client, scope, state, &environment);
    let (applications, (postgres, postgres_twins), (redis, redis_twins)) =
        try_join3(applications, postgres, redis).await?;
    observed.applications = applications.found.into_iter().collect();
    observed.orphans = applications.orphans;
    observed.twins.extend(applications.twins);
    observed.twins.extend(postgres_twins.into_iter().chain(redis_twins));
    observed.postgres = postgres;
    observed.redis = redis;
    strangers(scope, &environment, &mut observed);
    vanished(state, &environment, &mut observed);
    Ok(observed)
}

/// Names what lives in the environment and is not ours.
fn strangers(scope: Scope<'_>, environment: &Environment, observed: &mut Observed) {
    let mut ours: BTreeSet<String> = observed.twins.iter().map(|twin| twin.id.clone()).collect();
    let applications = observed.applications.values().filter(|found| found.ownership == Ownership::Ours);
    ours.extend(applications.map(|found| found.id.clone()));
    ours.extend(observed.postgres.iter().filter(|it| it.ownership == Ownership::Ours).map(|it| it.id.clone()));
    ours.extend(observed.redis.iter().filter(|it| it.ownership == Ownership::Ours).map(|it| it.id.clone()));
    let listed = environment.applications.iter().chain(&environment.postgres).chain(&environment.redis);
    let mut others: Vec<String> =
        listed.filter(|entry| !ours.contains(&entry.id)).map(|entry| entry.name.clone()).collect();
    if environment.other_services > 0 {
        others.push(format!("{} services of other kinds", environment.other_services));
    }
    others.extend(observed.orphans.iter().filter(|name| !scope.apps.contains(*name)).cloned());
    others.sort();
    others.dedup();
    if let Some(environment) = &mut observed.environment {
        environment.others = others;
    }
}

/// Names what the state knows and the server no longer has.
fn vanished(state: Option<&State>, environment: &Environment, observed: &mut Observed) {
    let Some(state) = state else { return };
    // One that the workspace no longer declares may stand there unread.
    let stands = |id: &str| environment.applications.iter().any(|entry| entry.id == id);
    for (app, id) in &state.applications {
        if !stands(id) && !observed.applications.contains_key(app) && !observed.orphans.contains(app) {
            observed.vanished.push(Vanished::Application(app.clone()));
        }
    }
    if state.services.postgres_id.is_some() && observed.postgres.is_none() {
        observed.vanished.push(Vanished::Postgres);
    }
    if state.services.redis_id.is_some() && observed.redis.is_none() {
        observed.vanished.push(Vanished::Redis);
    }
}
