//! One deployment from lock to report: the phases in their order.

use super::apply::{Limits, Outcome, apply};
use super::begin::{Hold, begin};
use super::desired;
use super::draft::Draft;
use super::prepare;
use super::ready::{Part, Ready};
use super::report::{DeployFailure, DeployReport};
use super::resolve::AppResolver;
use super::rotation;
use super::session::{Session, World};
use super::summary::summarize;
use super::zone_queue::ZoneQueues;
use crate::plan::{Blueprint, DatabaseRoute, Desired, Observed, Operation};
use crate::postgres::DatabaseRoles;
use crate::secrets::{Entropy, generate_password};
use crate::state::{Journal, SharedState, State};
use crate::{DeployError, Phase};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Deploys: everything from the lock to the report.
///
/// # Errors
///
/// Every failure of a deployment, with what succeeded.
pub(super) async fn deploy(ready: &Ready, hold: &Hold) -> Result<DeployReport, DeployFailure> {
    let started = Instant::now();
    let journal = begin(ready, hold).await?;
    let state = ready.state().await?;
    let fresh = state.is_none();
    let drawn = Box::pin(ready.draw(state.clone())).await?;
    if ready.part == Part::All {
        ready.check_expected(&drawn.blueprint.plan)?;
    }
    let shared = if fresh {
        SharedState::start(Arc::clone(&ready.provider), drawn.state.clone())
    } else {
        SharedState::load(Arc::clone(&ready.provider), ready.stage())
            .await?
            .unwrap_or_else(|| SharedState::start(Arc::clone(&ready.provider), drawn.state.clone()))
    }
    .under(hold.lock()?);
    let Draft { desired, observed, blueprint, state: recovered, generated, resolver, roles } = drawn;
    if blueprint.plan.changes == 0 && !fresh && state.as_ref() == Some(&recovered) {
        return Ok(summarize(
            ready,
            &World::of(&observed),
            &desired,
            &blueprint,
            &Outcome::default(),
            started.elapsed(),
        ));
    }
    let entropy = ready.options.surroundings.entropy.as_ref();
    // Durable before the first request that carries any of it (I2).
    shared
        .update(|state| {
            *state = recovered;
            generated.keep_in(state);
            rotation::begin(state, &desired.rotations, entropy);
            choose_passwords(state, &desired, &observed, entropy);
        })
        .await?;
    // A record that is to go may lie in a zone in which no app has a host name any more.
    let dns = ready.writable_zones(&shared.snapshot());
    let mut session = session(ready, hold, shared, journal, &observed, desired, resolver, roles).with_dns(dns);
    session.opens_database = session.database_route.way == DatabaseRoute::ExternalPort
        && blueprint.operations.values().any(|operation| *operation == Operation::ApplyRoles);
    ready.phase(Phase::Apply);
    let events = &ready.options.events;
    let outcome = apply(&blueprint, &session, events.as_ref(), &ready.options.cancel, Limits::default()).await?;
    finish(ready, &session, &blueprint, outcome, started).await
}

/// Chooses the passwords of the services that are to be created, so that they are durable with everything else.
fn choose_passwords(state: &mut State, desired: &Desired, observed: &Observed, entropy: &dyn Entropy) {
    let passwords = &mut state.deploy_native.passwords;
    if desired.postgres.is_some() && observed.postgres.is_none() {
        passwords.postgres.get_or_insert_with(|| generate_password(entropy));
    }
    if desired.redis.is_some() && observed.redis.is_none() {
        passwords.redis.get_or_insert_with(|| generate_password(entropy));
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a session come from as many places")]
pub(super) fn session(
    ready: &Ready,
    hold: &Hold,
    state: SharedState,
    journal: Journal,
    observed: &Observed,
    desired: Desired,
    resolver: AppResolver,
    roles: Option<DatabaseRoles>,
) -> Session {
    let settings = &ready.request.settings;
    let domains = observed
        .applications
        .iter()
        .map(|(app, found)| (app.clone(), found.domains.iter().map(|domain| domain.id.clone()).collect::<Vec<_>>()));
    let database_route = desired::database_route(&ready.request, observed.postgres.as_ref(), &state.snapshot());
    Session {
        client: ready.client.clone(),
        declared: ready.declared.clone(),
        desired,
        state,
        journal,
        events: Arc::clone(&ready.options.events),
        redactor: Arc::clone(&ready.redactor),
        dns: ready.zones.providers.clone(),
        zone_queues: ZoneQueues::default(),
        images: Arc::clone(&ready.images),
        resolver,
        names: prepare::base_names(&ready.request.workspace),
        roles,
        public_schema_app: settings.public_schema_app.clone(),
        opens_database: false,
        database_route,
        database_host: ready.database_host(),
        wait_for: settings.wait_for,
        stability: Duration::from_secs(settings.stability_seconds),
        dns_timeout: Duration::from_secs(settings.dns_timeout_seconds),
        surroundings: ready.options.surroundings.clone(),
        cleanup: hold.cleanup.clone(),
        records: observed.records.clone(),
        domains: domains.collect(),
        environments: observed.applications.iter().map(|(app, found)| (app.clone(), found.env.clone())).collect(),
        world: Session::world_of(observed),
    }
}

/// Makes the report; the failures of the run become its error.
async fn finish(
    ready: &Ready,
    session: &Session,
    blueprint: &Blueprint,
    outcome: Outcome,
    started: Instant,
) -> Result<DeployReport, DeployFailure> {
    if outcome.failed.is_empty() && !outcome.changed.is_empty() && ready.part == Part::All {
        let now = session.now();
        session.state.update(|state| state.last_deployed_at = now).await?;
    }
    session.journal.compact().await?;
    let report = {
        let world = session.world();
        summarize(ready, &world, &session.desired, blueprint, &outcome, started.elapsed())
    };
    if outcome.failed.is_empty() {
        return Ok(report);
    }
    let errors = outcome.failed.into_values().collect();
    Err(DeployFailure { error: DeployError::join(errors), report: Some(Box::new(report)) })
}
