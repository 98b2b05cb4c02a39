//! The draft of an undeployment: observe, recover, plan the removal. Makes only reads.

use super::desired_state::no_apps_desired;
use super::draft::Draft;
use super::login_rotation;
use super::observe::{check_permissions, hosts_leading_to_server, observe_deployed};
use super::outdated::refresh;
use super::resolver::{AppResolver, Generated};
use super::server_identity::check_same_server;
use super::services::database_route;
use crate::deploy::context::RunContext;
use crate::deploy::request::RemovalDepth;
use crate::plan::{RemovalRequest, draw_removal, forget_vanished, recover};
use crate::state::State;
use crate::{DeployError, ErrorCode, Phase};
use std::collections::{BTreeMap, BTreeSet};

/// Works out what an undeployment has to remove.
///
/// # Errors
///
/// Everything that stops an undeployment before its first change (I1).
pub(crate) async fn draft_removal(context: &RunContext, depth: RemovalDepth) -> Result<Draft, DeployError> {
    let kept = context.read_state().await?;
    context.reporter.phase(Phase::Observe);
    let observed = observe_deployed(context, kept.as_ref()).await?;
    let mut state = kept.clone().unwrap_or_else(|| State::new(context.stage()));
    check_same_server(context, &state, &observed)?;
    refresh(context, &mut state, &observed);
    let selected = context.request.settings.apps.clone().map(|apps| apps.into_iter().collect::<BTreeSet<_>>());
    let logins = login_rotation::logins(observed.applications.keys());
    match recover(&mut state, &observed, &logins, context.entropy()) {
        // What nobody knows any more need not be known to be removed.
        Err(error) if error.code() == ErrorCode::StateLost => {}
        recovered => drop(recovered?),
    }
    drop_unselected(&mut state, kept.as_ref(), selected.as_ref());
    let route = database_route(&context.request, observed.postgres.as_ref(), &state);
    let request = RemovalRequest {
        stage: context.stage().to_owned(),
        hosts: context.apps_by_host(),
        leading_here: hosts_leading_to_server(context, &state, selected.as_ref()).await,
        apps: selected,
        delete_data: depth.data,
        delete_project: depth.project,
        final_backup: depth.final_backup,
        delete_backups: depth.delete_backups,
        way: Some(route.planned()),
    };
    forget_vanished(&mut state, &observed, &request);
    context.reporter.phase(Phase::Plan);
    let blueprint = draw_removal(&request, &observed, &state);
    check_permissions(context, &blueprint, request.way.as_ref()).await?;
    context.reporter.planned(&blueprint.plan);
    let (desired, resolver) = (no_apps_desired(context), AppResolver::for_no_app(context));
    Ok(Draft {
        kept,
        state,
        observed,
        desired,
        blueprint,
        resolver,
        generated: Generated::default(),
        roles: None,
        route,
        past: BTreeMap::new(),
    })
}

/// Drops apps that stay from a state that has not known them. Not all of them was recovered here, and a deployment takes
/// what the state of an app lacks for what the app has only begun to need: it would be generated anew (I2).
fn drop_unselected(state: &mut State, kept: Option<&State>, selected: Option<&BTreeSet<String>>) {
    let known = |app: &str| kept.is_some_and(|kept| kept.applications.contains_key(app));
    let goes = |app: &str| selected.is_none_or(|selected| selected.contains(app));
    state.applications.retain(|app, _| known(app) || goes(app));
}
