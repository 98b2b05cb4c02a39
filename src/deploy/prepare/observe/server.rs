//! Reading what of a stage stands on the server.

use super::application::applications;
use super::project::project;
use super::scope::ServerScope;
use super::service::{postgres, redis};
use crate::DeployError;
use crate::dokploy::{Dokploy, Environment};
use crate::plan::{Observed, Ownership, Vanished};
use crate::state::State;
use futures_util::future::try_join3;
use std::collections::BTreeSet;

/// Reads everything that a plan compares.
///
/// # Errors
///
/// `DOKPLOY_*` when the server refuses or fails a call, `RESOURCE_AMBIGUOUS` when several resources could be meant.
pub(crate) async fn observe_server(
    client: &Dokploy,
    scope: ServerScope<'_>,
    state: Option<&State>,
) -> Result<Observed, DeployError> {
    let mut observed = Observed::default();
    let Some(environment) = project(client, scope, state, &mut observed).await? else {
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
fn strangers(scope: ServerScope<'_>, environment: &Environment, observed: &mut Observed) {
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
