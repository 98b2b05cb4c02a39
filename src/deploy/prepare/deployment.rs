//! The draft of a deployment: sniff, resolve, observe, recover, plan. Makes only reads.

use super::builds::desired_images;
use super::desired_state::{DesiredParts, desired_state};
use super::draft::Draft;
use super::image_checks::check_images;
use super::images::resolve_images;
use super::login_rotation;
use super::observe::{check_permissions, observe_stage};
use super::outdated::refresh;
use super::past_choice::{keep_replaced, learn_from_server};
use super::resolver::{AppResolver, Resolved};
use super::server_identity::former_server;
use super::services::{MASTER, database_route};
use super::sniff::sniff_apps;
use super::state_size::check_state_size;
use crate::deploy::context::{PostgresService, RunContext, RunScope, hide_state, registry_login};
use crate::deploy::report::unserved_message;
use crate::env::encode_env;
use crate::plan::{Observed, Outdated, Ownership, draw, recover, recover_domains, remember_apps};
use crate::postgres::DatabaseRoles;
use crate::state::State;
use crate::{DeployError, Phase};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Works out what a deployment has to do, from the state as it was read.
///
/// # Errors
///
/// Everything that stops a deployment before its first change (I1).
pub(crate) async fn draft_deployment(context: &RunContext, kept: Option<State>) -> Result<Draft, DeployError> {
    if context.scope == RunScope::Workspace {
        warn_of_workspace(context);
    }
    let requirements = sniff_apps(context).await?;
    context.reporter.phase(Phase::Resolve);
    let state = kept.clone().unwrap_or_else(|| State::new(context.stage()));
    let resolver = AppResolver::new(context, requirements);
    // What is missing is missing whatever the server says; so this comes before the first request.
    resolver.resolve_all(&state, None, None)?;
    context.reporter.phase(Phase::Observe);
    let (mut observed, server_ip) = observe_stage(context, kept.as_ref()).await?;
    let (state, outdated) = recovered(context, state, &mut observed, &resolver)?;
    plan(context, Recovered { kept, state, outdated, observed, resolver, server_ip }).await
}

/// Says what the workspace declares and a deployment does not do, and which host names nobody serves.
fn warn_of_workspace(context: &RunContext) {
    let workspace = &context.request.workspace;
    for warning in &workspace.warnings {
        context.reporter.warn("workspace", &warning.to_string(), None);
    }
    // Without any zone the user has decided to serve all of them.
    if workspace.deploy.dns.is_empty() {
        return;
    }
    for (host, desired) in context.zones.hosts.iter().filter(|(_, desired)| desired.zone.is_none()) {
        context.reporter.warn("dns-zone", &unserved_message(host, None), Some(&desired.app));
    }
}

/// The state with what the server still knows of it, where it was lost or is older than the server.
pub(super) fn recovered(
    context: &RunContext,
    mut state: State,
    observed: &mut Observed,
    resolver: &AppResolver,
) -> Result<(State, Option<Outdated>), DeployError> {
    // Before the ids of this server take the place of those that the state knows.
    observed.former_server = former_server(context, &state, observed);
    let outdated = refresh(context, &mut state, observed);
    let mut recovered = recover_domains(&mut state, observed, &hosts_and_ports(context));
    let needs = resolver.needs(&context.request.settings.adopt);
    recovered.extend(recover(&mut state, observed, &needs, context.entropy())?);
    remember_apps(&mut state, &context.zones.hosts);
    // Where there is no project yet, the state is of this server once it is made.
    if observed.project.is_some() {
        state.deploy_native.endpoint = Some(context.client.origin());
    }
    context.reporter.recovered(&recovered);
    Ok((state, outdated))
}

/// The host name and the port of each app.
fn hosts_and_ports(context: &RunContext) -> BTreeMap<String, (String, u16)> {
    let apps = &context.request.workspace.apps;
    let of_app = |(app, host): (&String, &String)| Some((app.clone(), (host.clone(), apps.get(app)?.port)));
    context.hosts.iter().filter_map(of_app).collect()
}

/// What is known before the desired state is put together.
struct Recovered {
    kept: Option<State>,
    state: State,
    /// What of the kept state is older than the server.
    outdated: Option<Outdated>,
    observed: Observed,
    resolver: AppResolver,
    server_ip: Option<IpAddr>,
}

async fn plan(context: &RunContext, known: Recovered) -> Result<Draft, DeployError> {
    let Recovered { kept, mut state, outdated, observed, resolver, server_ip } = known;
    let resolved = resolve(context, &resolver, &state, &observed)?;
    let mut filled = state.clone();
    resolved.generated.keep_in(&mut filled);
    // A server's words may hold any of them, also those that no app's environment shows before its host is known.
    hide_state(&context.redactor, &filled);
    let roles = database_roles(context, &resolver, &filled, &observed)?;
    let hooked = context.options.image_builder.is_some();
    let images = desired_images(&context.request, &context.apps, &resolved.envs, hooked, context.now())?;
    let login = registry_login(&context.request);
    let http = &context.options.surroundings.http;
    let images = resolve_images(images, context.image_builder.as_ref(), login.as_ref(), http).await?;
    let route = database_route(&context.request, observed.postgres.as_ref(), &state);
    let parts = DesiredParts { server_ip, envs: &resolved.envs, images, roles: roles.as_ref(), route: route.clone() };
    let mut desired = desired_state(context, &context.apps, parts);
    if context.scope == RunScope::Workspace && context.request.workspace.services.db.is_some() {
        desired.rotations = login_rotation::unfinished(&state, &observed, &context.apps);
    }
    if let (Some(outdated), Some(kept)) = (&outdated, &kept) {
        outdated.refuse_older_images(kept, &observed, desired.apps.values())?;
    }
    desired.writable_zones = context.zones.writable(&state).into_keys().collect();
    context.reporter.phase(Phase::Plan);
    let mut blueprint = draw(&desired, &observed, &state)?;
    context.scope.narrow(&mut blueprint);
    check_permissions(context, &blueprint, desired.database.as_ref().map(|database| &database.way)).await?;
    check_images(context, &desired, &blueprint).await?;
    if context.scope == RunScope::Workspace {
        // What is deployed now takes the place of what was to be brought back.
        state.deploy_native.rolling_back.retain(|app, _| !context.apps.contains(app));
        if blueprint.plan.changes > 0 {
            learn_from_server(context, &mut state, &observed);
            keep_replaced(&mut state, &blueprint);
        }
    }
    let generated = resolved.generated;
    let past = BTreeMap::new();
    let draft = Draft { kept, state, observed, desired, blueprint, resolver, generated, roles, route, past };
    check_state_size(context, &draft)?;
    context.reporter.planned(&draft.blueprint.plan);
    Ok(draft)
}

/// Resolves every app's variables, and makes sure that each value arrives as it is.
pub(super) fn resolve(
    context: &RunContext,
    resolver: &AppResolver,
    state: &State,
    observed: &Observed,
) -> Result<Resolved, DeployError> {
    let postgres = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
    let redis = observed.redis.as_ref().filter(|found| found.ownership == Ownership::Ours);
    let resolved = resolver.resolve_all(
        state,
        postgres.map(PostgresService::from).as_ref(),
        redis.map(|found| found.app_name.as_str()),
    )?;
    resolved.secrets.iter().for_each(|value| context.reporter.hide(value));
    for (app, env) in &resolved.envs {
        encode_env(app, &env.values)?;
    }
    for (app, names) in &resolved.overridden {
        let message = format!("{app}: {} of the secrets give way to what is computed", names.join(", "));
        context.reporter.warn("secret-overridden", &message, Some(app));
    }
    Ok(resolved)
}

pub(super) fn database_roles(
    context: &RunContext,
    resolver: &AppResolver,
    state: &State,
    observed: &Observed,
) -> Result<Option<DatabaseRoles>, DeployError> {
    let ours = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
    match ours {
        Some(found) => resolver.roles(state, &found.database, &found.user),
        None => resolver.roles(state, &context.request.workspace.database_name(), MASTER),
    }
}
