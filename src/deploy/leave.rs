//! Undeployment: what is ours goes, what is not stays, what stood there before comes back.

use super::apply::{Limits, Outcome, apply};
use super::begin::{Hold, begin};
use super::desired::database_route;
use super::ready::Ready;
use super::report::{DeployFailure, UndeployReport};
use super::rotation;
use super::run::session;
use crate::plan::{
    Action, Blueprint, DeployPlan, Observed, Operation, RemovalRequest, draw_removal, forget_vanished, recover,
};
use crate::state::{SharedState, State};
use crate::{DeployError, DeployEvent, ErrorCode, Phase};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What an undeployment is asked to remove beyond the apps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    /// Also databases, roles and their data.
    pub(super) data: bool,
    /// Also environment and project, when nothing else lives there.
    pub(super) project: bool,
}

/// What was found, and what is to be removed of it.
struct Drawn {
    /// The state as it was read.
    kept: Option<State>,
    /// The state with what was recovered, and without what is gone already.
    state: State,
    observed: Observed,
    blueprint: Blueprint,
}

/// Finds out what would have to be removed. Makes only reads.
async fn look(ready: &Ready, depth: Depth) -> Result<Drawn, DeployError> {
    let kept = ready.state().await?;
    ready.phase(Phase::Observe);
    let observed = ready.look_at_server(kept.as_ref()).await?;
    let mut state = kept.clone().unwrap_or_else(|| State::new(ready.stage()));
    ready.check_same_server(&state, &observed)?;
    let selected = ready.request.settings.apps.clone().map(|apps| apps.into_iter().collect::<BTreeSet<_>>());
    let entropy = ready.options.surroundings.entropy.as_ref();
    match recover(&mut state, &observed, &rotation::logins(observed.applications.keys()), entropy) {
        // What nobody knows any more need not be known to be removed.
        Err(error) if error.code() == ErrorCode::StateLost => {}
        recovered => drop(recovered?),
    }
    leave_out(&mut state, kept.as_ref(), selected.as_ref());
    let request = RemovalRequest {
        stage: ready.stage().to_owned(),
        hosts: ready.apps_by_host(),
        leading_here: ready.leading_here(&state, selected.as_ref()).await,
        apps: selected,
        delete_data: depth.data,
        delete_project: depth.project,
        way: Some(database_route(&ready.request, observed.postgres.as_ref(), &state).planned()),
    };
    forget_vanished(&mut state, &observed, &request);
    ready.phase(Phase::Plan);
    let blueprint = draw_removal(&request, &observed, &state);
    ready.check_access(&blueprint, request.way.as_ref()).await?;
    ready.options.events.emit(DeployEvent::planned(&blueprint.plan));
    Ok(Drawn { kept, state, observed, blueprint })
}

/// Leaves apps that stay out of a state that has not known them. Not all of them was recovered here, and a deployment takes
/// what the state of an app lacks for what the app has only begun to need: it would be generated anew (I2).
fn leave_out(state: &mut State, kept: Option<&State>, selected: Option<&BTreeSet<String>>) {
    let known = |app: &str| kept.is_some_and(|kept| kept.applications.contains_key(app));
    let goes = |app: &str| selected.is_none_or(|selected| selected.contains(app));
    state.applications.retain(|app, _| known(app) || goes(app));
}

/// Plans an undeployment.
///
/// # Errors
///
/// As [`undeploy`], for everything that is found before the first change.
pub(super) async fn plan(ready: &Ready, depth: Depth) -> Result<DeployPlan, DeployError> {
    Ok(look(ready, depth).await?.blueprint.plan)
}

/// Removes what is ours.
///
/// # Errors
///
/// Every failure of the run, with what was removed.
pub(super) async fn undeploy(ready: &Ready, hold: &Hold, depth: Depth) -> Result<UndeployReport, DeployFailure> {
    let started = Instant::now();
    let journal = begin(ready, hold).await?;
    let Drawn { kept, state, observed, blueprint } = look(ready, depth).await?;
    ready.check_expected(&blueprint.plan)?;
    let everything = depth.data && ready.request.settings.apps.is_none();
    let shared = SharedState::start(ready.provider(), state.clone()).under(hold.lock()?);
    if blueprint.plan.changes == 0 {
        // A run that was interrupted after its last change has not come to this.
        let mut rest = state.clone();
        if everything {
            forget(&mut rest);
        }
        if kept.is_some_and(|kept| kept != rest) {
            shared.update(|state| *state = rest).await?;
        }
        return Ok(report(&blueprint, &Outcome::default(), &state, started.elapsed()));
    }
    let session = session(ready, hold, shared, journal, &observed, ready.nothing_desired(), ready.no_resolver(), None)
        .with_dns(ready.providers_of(&state)?);
    ready.phase(Phase::Apply);
    let events = ready.options.events.as_ref();
    let outcome = apply(&blueprint, &session, events, &ready.options.cancel, Limits::default()).await?;
    if outcome.failed.is_empty() && everything {
        session.state.update(forget).await?;
    }
    session.journal.compact().await?;
    let report = report(&blueprint, &outcome, &state, started.elapsed());
    if outcome.failed.is_empty() {
        return Ok(report);
    }
    Err(DeployFailure::of_undeploy(DeployError::join(outcome.failed.into_values().collect()), &report))
}

/// Forgets what only made sense with the data that is gone.
fn forget(state: &mut State) {
    state.app_credentials.clear();
    state.generated_secrets.clear();
    state.deploy_native.rotations.clear();
    state.deploy_native.images.clear();
}

fn report(blueprint: &Blueprint, outcome: &Outcome, state: &State, duration: Duration) -> UndeployReport {
    let mut report = UndeployReport {
        kept: blueprint.plan.notes.clone(),
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        ..UndeployReport::default()
    };
    for step in blueprint.plan.steps.iter().filter(|step| step.action == Action::Delete) {
        if let Some(reason) = outcome.skipped.get(&step.id) {
            report.kept.push(format!("{}: {reason}", step.resource));
        }
        if !outcome.changed.contains(&step.id) {
            continue;
        }
        let previous = match blueprint.operations.get(&step.id) {
            Some(Operation::RestoreRecord { key, .. }) => {
                state.dns_records.get(key).and_then(|it| it.previous.as_ref())
            }
            _ => None,
        };
        match previous {
            Some(previous) => report.restored.push(format!("{} → {}", step.resource, previous.values.join(", "))),
            None => report.removed.push(step.resource.clone()),
        }
    }
    report
}
