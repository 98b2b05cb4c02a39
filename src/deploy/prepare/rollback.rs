//! The draft of a rollback: observe, recover, choose the deployments, plan. Makes only reads.

use super::deployment::{database_roles, recovered, resolve};
use super::desired_state::{DesiredParts, desired_state};
use super::draft::Draft;
use super::image_checks::check_images;
use super::login_rotation;
use super::observe::{check_permissions, observe_stage};
use super::past_choice::{choose, keep_replaced, learn_from_server};
use super::resolver::{AppResolver, DATABASE_URL};
use super::services::database_route;
use super::state_size::check_state_size;
use crate::deploy::context::{RunContext, hide_state};
use crate::env::Secrets;
use crate::plan::{
    Blueprint, Desired, DesiredApp, DesiredImage, DesiredRegistry, Observed, Operation, draw, find_outdated,
    not_undone, past_health, verified,
};
use crate::sniff::SniffedEnvironment;
use crate::state::{PastDeployment, PastEnvironment, State};
use crate::{DeployError, ErrorCode, Phase};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// Works out what a rollback has to do.
///
/// # Errors
///
/// Everything that stops a rollback before its first change (I1): `NO_EARLIER_DEPLOYMENT`, `STATE_OUTDATED`, and more.
pub(crate) async fn draft_rollback(context: &RunContext, to: Option<&str>) -> Result<Draft, DeployError> {
    let kept = context.read_state().await?;
    context.reporter.phase(Phase::Observe);
    let (observed, _) = observe_stage(context, kept.as_ref()).await?;
    let mut state = kept.clone().unwrap_or_else(|| State::new(context.stage()));
    learn_from_server(context, &mut state, &observed);
    refuse_outdated(context, &state, &observed)?;
    let (past, notes) = choose(context, &state, &observed, to)?;
    draft_past(context, PastKnown { kept, state, observed, past, notes }).await
}

/// A later run of another checkout has deployed what this state does not know, so that it cannot tell what came before.
fn refuse_outdated(context: &RunContext, state: &State, observed: &Observed) -> Result<(), DeployError> {
    let Some(outdated) = find_outdated(state, observed).filter(|_| observed.former_server.is_none()) else {
        return Ok(());
    };
    let apps: Vec<&str> = outdated.apps().collect();
    let message = format!(
        "Another checkout has deployed {} since this state was written: what came before is not known here",
        apps.join(", ")
    );
    let hint = format!(
        "Fetch the newest .gkm/deploy-{}.json, or go back from the checkout that has deployed",
        context.stage()
    );
    Err(DeployError::new(ErrorCode::StateOutdated, message).hint(hint))
}

/// What is known before the desired state is put together.
pub(crate) struct PastKnown {
    pub(crate) kept: Option<State>,
    pub(crate) state: State,
    pub(crate) observed: Observed,
    /// The deployment that each app goes back to.
    pub(crate) past: BTreeMap<String, PastDeployment>,
    /// What the user should know of the choice.
    pub(crate) notes: Vec<String>,
}

/// Works out how these apps go back to these deployments.
///
/// # Errors
///
/// As [`draft_rollback`].
pub(crate) async fn draft_past(context: &RunContext, known: PastKnown) -> Result<Draft, DeployError> {
    let PastKnown { kept, state, mut observed, past, notes } = known;
    hide_state(&context.redactor, &state);
    let environments = environments(&state, &past)?;
    let resolver = resolver_of(context, &environments);
    let (mut state, _) = recovered(context, state, &mut observed, &resolver)?;
    let resolved = resolve(context, &resolver, &state, &observed).map_err(no_longer_provided)?;
    let mut filled = state.clone();
    resolved.generated.keep_in(&mut filled);
    hide_state(&context.redactor, &filled);
    let roles = database_roles(context, &resolver, &filled, &observed)?;
    let route = database_route(&context.request, observed.postgres.as_ref(), &state);
    let images = past.iter().map(|(app, past)| (app.clone(), image(past))).collect();
    let parts =
        DesiredParts { server_ip: None, envs: &resolved.envs, images, roles: roles.as_ref(), route: route.clone() };
    let declared = context.request.workspace.build_order().into_iter().map(str::to_owned);
    let apps: Vec<String> = declared.filter(|app| past.contains_key(app)).collect();
    let mut desired = desired_state(context, &apps, parts);
    as_it_was(&mut desired, &observed, &past);
    desired.follows = true;
    if desired.database.is_some() {
        desired.rotations = login_rotation::unfinished(&state, &observed, &apps);
    }
    context.reporter.phase(Phase::Plan);
    let mut blueprint = draw(&desired, &observed, &state)?;
    narrow(&mut blueprint, &observed);
    tell(&mut blueprint, (&state, &observed), &past, &desired, notes);
    check_permissions(context, &blueprint, desired.database.as_ref().map(|database| &database.way)).await?;
    check_images(context, &desired, &blueprint).await?;
    for (app, past) in &past {
        let rolling = &mut state.deploy_native.rolling_back;
        // One that runs as it was is back: no deployment of it would take an entry away.
        if blueprint.unchanged.contains_key(app) {
            rolling.remove(app);
        } else {
            rolling.insert(app.clone(), past.id.clone());
        }
    }
    keep_replaced(&mut state, &blueprint);
    let generated = resolved.generated;
    let draft = Draft { kept, state, observed, desired, blueprint, resolver, generated, roles, route, past };
    check_state_size(context, &draft)?;
    context.reporter.planned(&draft.blueprint.plan);
    Ok(draft)
}

/// The variables that the deployments had.
fn environments(
    state: &State,
    past: &BTreeMap<String, PastDeployment>,
) -> Result<BTreeMap<String, PastEnvironment>, DeployError> {
    let of = |(app, past): (&String, &PastDeployment)| {
        let known = state.deploy_native.history.environment(past).filter(|_| !past.image.is_empty());
        let known = known.ok_or_else(|| {
            let message = format!("{app}: too little is known of the deployment `{}` to bring it back", past.id);
            DeployError::new(ErrorCode::NoEarlierDeployment, message)
                .app(app)
                .hint("Deploy what you want to run: with `images`, an image that was built before is taken as it is")
        })?;
        Ok((app.clone(), known))
    };
    past.iter().map(of).collect()
}

/// What followed from the workspace then and does so no more.
fn no_longer_provided(error: DeployError) -> DeployError {
    if error.code() != ErrorCode::MissingEnv {
        return error;
    }
    error.hint("They followed from the workspace when this was deployed: declare the service or the app again that they lead to")
}

fn image(past: &PastDeployment) -> DesiredImage {
    DesiredImage::Given { reference: past.image.clone(), exact: past.image.contains("@sha256:") }
}

/// Leaves of a desired state what a rollback brings back: nothing is released, no record of DNS and no backup is touched,
/// and an app is found to work as it was then.
fn as_it_was(desired: &mut Desired, observed: &Observed, past: &BTreeMap<String, PastDeployment>) {
    for (name, app) in &mut desired.apps {
        app.release = None;
        app.health = past.get(name).map(past_health).unwrap_or_default();
        // The server can still pull what it has pulled before.
        let stored = observed.applications.get(name).and_then(|found| found.registry.clone());
        let stored = stored.map(|(url, username, password)| DesiredRegistry { url, username, password });
        app.registry = app.registry.take().or(stored);
    }
    desired.backups = None;
    desired.hosts.clear();
    desired.domains &= desired.apps.keys().any(|app| !observed.applications.contains_key(app));
    let uses = |name: &str| {
        desired.apps.values().any(|app| app.env.values.contains_key(name) || app.env.unknown.contains(name))
    };
    let (database, cache) = (uses(DATABASE_URL), uses("REDIS_URL"));
    desired.database = desired.database.take().filter(|_| database);
    desired.postgres = desired.postgres.take().filter(|_| database);
    desired.redis = desired.redis.take().filter(|_| cache);
}

/// Takes out of a plan what is no part of going back: host names are those of today.
fn narrow(blueprint: &mut Blueprint, observed: &Observed) {
    let Blueprint { plan, operations, .. } = blueprint;
    operations.retain(|_, operation| match operation {
        Operation::DetachDomain { .. } | Operation::RestoreRecord { .. } => false,
        Operation::AttachDomain { app, .. } => !observed.applications.contains_key(app),
        _ => true,
    });
    plan.steps.retain(|step| operations.contains_key(&step.id));
    plan.recount();
    if plan.changes == 0 {
        operations.clear();
    }
}

/// Says where each app goes, what stays as it is today, and what cannot be undone.
fn tell(
    blueprint: &mut Blueprint,
    (state, observed): (&State, &Observed),
    past: &BTreeMap<String, PastDeployment>,
    desired: &Desired,
    notes: Vec<String>,
) {
    let told = &mut blueprint.plan.notes;
    for (app, past) in past {
        let how = if observed.applications.contains_key(app) {
            "goes back to"
        } else {
            "is not on the server, and is made again as"
        };
        told.push(format!("{app} {how} the deployment {} of {}: {}", past.id, past.at, past.image));
        let today = desired.apps.get(app).and_then(credentials);
        if today.is_some_and(|today| !past.credentials.is_empty() && today != past.credentials) {
            told.push(format!("{app}: what we generate for it was changed since, and stays as it is today"));
        }
        told.extend(not_undone(state, app, past));
    }
    told.extend(notes);
}

/// What tells the credentials of today from others; `None` until all of them are known.
fn credentials(desired: &DesiredApp) -> Option<String> {
    let known = desired.env.unknown.is_empty();
    known.then(|| verified(desired, "", &desired.env.values)).flatten().map(|verified| verified.credentials)
}

/// The resolver of environments as they were: what followed from the deployment then does so today.
fn resolver_of(context: &RunContext, environments: &BTreeMap<String, PastEnvironment>) -> AppResolver {
    let requirements = environments.iter().map(|(app, past)| {
        let sniffed = SniffedEnvironment {
            app_name: app.clone(),
            required_env_vars: past.ours.iter().cloned().collect(),
            // An empty value is one as well.
            optional_env_vars: past.given.keys().cloned().collect(),
            ..SniffedEnvironment::default()
        };
        (app.clone(), sniffed)
    });
    let requirements: IndexMap<_, _> = requirements.collect();
    let apps = environments.iter().map(|(app, past)| (app.clone(), past.given.clone())).collect();
    AppResolver::with_secrets(context, requirements, Secrets { shared: BTreeMap::new(), apps })
}
