//! Which apps go back, and to which of their deployments.

use crate::deploy::context::{RunContext, iso_millis};
use crate::plan::{Blueprint, Declared, Observed, Operation, Today, choose_past, complete_history, look_at_today};
use crate::state::{History, PastDeployment, State};
use crate::{DeployError, ErrorCode};
use std::collections::BTreeMap;
use std::time::Duration;

/// The deployment that each app goes back to, and what the user should know of the choice.
///
/// A rollback that was interrupted is finished first, unless the request says where to.
///
/// # Errors
///
/// `INVALID_REQUEST` naming an app that the workspace does not declare, or a deployment that nobody knows;
/// `NO_EARLIER_DEPLOYMENT`.
pub(super) fn choose(
    context: &RunContext,
    state: &State,
    observed: &Observed,
    to: Option<&str>,
) -> Result<(BTreeMap<String, PastDeployment>, Vec<String>), DeployError> {
    let named = context.request.settings.apps.as_deref();
    named.into_iter().flatten().try_for_each(|app| check_declared(context, state, app))?;
    let mut history = state.deploy_native.history.clone();
    let mut notes = Vec::new();
    let known: Vec<String> = history.apps().map(str::to_owned).collect();
    for app in known.iter().filter(|app| named.is_none_or(|named| !named.contains(app))) {
        let why = if !context.declared.contains(app) {
            "the workspace no longer declares it"
        } else if !state.applications.contains_key(app) {
            "it was undeployed; name it in `apps` to bring it back"
        } else {
            continue;
        };
        if named.is_none() {
            notes.push(format!("{app} stays as it is: {why}"));
        }
        history.forget(app);
    }
    let today = look_at_today(state, observed);
    let begun = begun(state, &history, &today, named).filter(|_| to.is_none());
    if let Some(begun) = begun {
        notes.push("an interrupted rollback is finished".to_owned());
        return Ok((begun, notes));
    }
    let chosen = choose_past(&history, named, to, &today)?;
    let left = named.into_iter().flatten().filter(|app| !chosen.contains_key(*app));
    notes.extend(left.map(|app| format!("{app} stays as it is: nothing else of it was seen running")));
    Ok((chosen, notes))
}

/// Learns from the server what runs, where the state has not kept that.
pub(super) fn learn_from_server(context: &RunContext, state: &mut State, observed: &Observed) {
    let before = iso_millis(context.now() - Duration::from_secs(1));
    for (app, found) in &observed.applications {
        let health = context.health_of(app);
        let declared = context.request.workspace.apps.get(app);
        let dependencies = declared.map(|declared| declared.dependencies.as_slice()).unwrap_or_default();
        complete_history(state, app, found, &Declared { health: &health, dependencies }, &before);
    }
}

/// Keeps what runs whole in the state, of the apps that a plan changes: the server will not have it any more.
pub(super) fn keep_replaced(state: &mut State, blueprint: &Blueprint) {
    for operation in blueprint.operations.values() {
        if let Operation::Configure { app, .. } = operation {
            state.deploy_native.history.about_to_replace(app);
        }
    }
}

/// What an interrupted rollback has begun and not finished, of these apps.
fn begun(
    state: &State,
    history: &History,
    today: &Today,
    named: Option<&[String]>,
) -> Option<BTreeMap<String, PastDeployment>> {
    let concerned = |app: &String| named.is_none_or(|named| named.contains(app));
    let past = |(app, id): (&String, &String)| {
        let past = history.deployments(app).iter().find(|past| past.id == *id);
        Some((app.clone(), past.filter(|past| history.is_complete(past))?.clone()))
    };
    let is_back = |app: &str, id: &str| {
        today.settled.contains(app) && history.current(app).is_some_and(|current| current.id == *id)
    };
    let rolling = state.deploy_native.rolling_back.iter().filter(|(app, id)| concerned(app) && !is_back(app, id));
    let begun: BTreeMap<_, _> = rolling.filter_map(past).collect();
    (!begun.is_empty()).then_some(begun)
}

fn check_declared(context: &RunContext, state: &State, app: &str) -> Result<(), DeployError> {
    if context.declared.contains(app) {
        return Ok(());
    }
    let message = format!("apps: the workspace has no app \"{app}\"");
    let error = DeployError::new(ErrorCode::InvalidRequest, message).app(app);
    if state.deploy_native.history.deployments(app).is_empty() {
        let known: Vec<&str> = context.declared.iter().map(String::as_str).collect();
        return Err(error.hint(format!("The workspace's apps are {}", known.join(", "))));
    }
    Err(error
        .reason("not-declared")
        .hint(format!("{app} was deployed before: declare it in the workspace again, and it can be brought back")))
}
