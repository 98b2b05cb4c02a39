//! The draft of a rotation: observe, recover, choose the credentials, plan. Makes only reads.

use super::desired_state::no_apps_desired;
use super::draft::Draft;
use super::login_rotation;
use super::observe::observe_stage;
use super::outdated::refresh;
use super::resolver::{AppResolver, DATABASE_URL, Generated};
use super::rotation_selection::RotationSelection;
use super::services::database_route;
use crate::deploy::context::{RunContext, hide_state, selected_apps};
use crate::deploy::database_access::Route;
use crate::deploy::request::RotationChoice;
use crate::env::PostgresAddress;
use crate::plan::{
    Desired, DesiredApp, DesiredDatabase, DesiredEnv, DesiredImage, DesiredRegistry, DesiredRotation, Observed,
    ObservedApplication, Ownership, draw_rotation, recover,
};
use crate::secrets::{Secret, generate_secret};
use crate::state::State;
use crate::{DeployError, Phase};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// Works out what a rotation has to do. What is new is in the state of the draft, and nowhere else.
///
/// # Errors
///
/// Everything that stops a rotation before its first change (I1).
pub(crate) async fn draft_rotation(context: &RunContext, choice: &RotationChoice) -> Result<Draft, DeployError> {
    // Refuses apps that the workspace does not have.
    selected_apps(&context.request.workspace, &context.request.settings)?;
    let kept = context.read_state().await?;
    context.reporter.phase(Phase::Observe);
    let (observed, _) = observe_stage(context, kept.as_ref()).await?;
    let mut state = kept.clone().unwrap_or_else(|| State::new(context.stage()));
    refresh(context, &mut state, &observed);
    let logins = login_rotation::logins(&context.declared);
    let recovered = recover(&mut state, &observed, &logins, context.entropy())?;
    context.reporter.recovered(&recovered);
    let rotations = RotationSelection { context, choice, state: &state, observed: &observed }.rotations()?;
    login_rotation::begin(&mut state, &rotations, context.entropy());
    renew_secrets(context, &mut state, &rotations);
    hide_state(&context.redactor, &state);
    let route = database_route(&context.request, observed.postgres.as_ref(), &state);
    let desired = desired_after_rotation(context, &state, &observed, rotations, &route)?;
    context.reporter.phase(Phase::Plan);
    let blueprint = draw_rotation(&desired, &observed, &state)?;
    context.reporter.planned(&blueprint.plan);
    let (resolver, generated, past) = (AppResolver::for_no_app(context), Generated::default(), BTreeMap::new());
    Ok(Draft { kept, state, observed, desired, blueprint, resolver, generated, roles: None, route, past })
}

/// Makes another value for every generated variable that gets one; one that an interrupted run made is kept.
fn renew_secrets(context: &RunContext, state: &mut State, rotations: &BTreeMap<String, DesiredRotation>) {
    for (app, rotation) in rotations {
        for name in &rotation.secrets {
            let begun = state.deploy_native.rotations.entry(app.clone()).or_default();
            if begun.secrets.insert(name.clone()) {
                let fresh = generate_secret(context.entropy());
                state.generated_secrets.entry(app.clone()).or_default().insert(name.clone(), fresh);
            }
        }
    }
}

/// The desired state: what stands there, with other credentials.
fn desired_after_rotation(
    context: &RunContext,
    state: &State,
    observed: &Observed,
    rotations: BTreeMap<String, DesiredRotation>,
    route: &Route,
) -> Result<Desired, DeployError> {
    let mut desired = no_apps_desired(context);
    for (app, rotation) in &rotations {
        let found = observed.applications.get(app).filter(|found| found.newest_title.is_some());
        let Some((found, image)) = found.and_then(|found| Some((found, found.image.clone()?))) else { continue };
        if found.ownership == Ownership::Ours {
            let values = environment(state, observed, app, found, rotation);
            hide_environment(context, &values);
            desired.apps.insert(app.clone(), running(context, app, found, image, values));
        }
    }
    let database = observed.postgres.as_ref().map(|found| (found.database.as_str(), found.user.as_str()));
    let (database, master) = database.unwrap_or_default();
    let roles =
        if database.is_empty() { None } else { AppResolver::for_no_app(context).roles(state, database, master)? };
    desired.database = roles.map(|roles| DesiredDatabase {
        fingerprint: roles.fingerprint(),
        roles: BTreeMap::new(),
        retired: BTreeMap::new(),
        way: route.planned(),
    });
    desired.rotations = rotations;
    Ok(desired)
}

/// Adds what an app's environment holds to what must never be shown (I6): what of it is a secret is not known here.
fn hide_environment(context: &RunContext, env: &IndexMap<String, Secret>) {
    let plain = |name: &str| matches!(name, "PORT" | "NODE_ENV" | "STAGE");
    env.iter().filter(|(name, _)| !plain(name)).for_each(|(_, value)| context.reporter.hide(value));
}

/// The app as it is deployed.
fn running(
    context: &RunContext,
    app: &str,
    found: &ObservedApplication,
    image: String,
    values: IndexMap<String, Secret>,
) -> DesiredApp {
    let declared = &context.request.workspace.apps[app];
    let registry = found.registry.clone();
    DesiredApp {
        name: app.to_owned(),
        app_type: declared.app_type,
        port: declared.port,
        host: context.hosts.get(app).cloned().unwrap_or_default(),
        dependencies: Vec::new(),
        image: DesiredImage::Given { reference: image, exact: true },
        env: DesiredEnv { values, ..DesiredEnv::default() },
        registry: registry.map(|(url, username, password)| DesiredRegistry { url, username, password }),
        release: None,
        health: context.health_of(app),
    }
}

/// The environment that the server stores for an app, with what of its credentials is new alcontext.
fn environment(
    state: &State,
    observed: &Observed,
    app: &str,
    found: &ObservedApplication,
    rotation: &DesiredRotation,
) -> IndexMap<String, Secret> {
    let mut env = found.env.clone();
    let generated = state.generated_secrets.get(app);
    for name in &rotation.secrets {
        if let Some(value) = generated.and_then(|generated| generated.get(name)) {
            env.insert(name.clone(), value.clone());
        }
    }
    let login = state.app_credentials.get(app).filter(|_| rotation.login.is_some() && env.contains_key(DATABASE_URL));
    if let (Some(login), Some(postgres)) = (login, &observed.postgres) {
        let (host, database) = (Some(postgres.app_name.clone()), postgres.database.clone());
        let own = PostgresAddress::new(host, database, login.db_user.clone(), login.db_password.clone());
        env.extend(own.url().map(|url| (DATABASE_URL.to_owned(), url)));
    }
    env
}
