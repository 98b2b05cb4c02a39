//! Applications: created once, configured with what they need, deployed and seen running.

use super::rotation;
use crate::deploy::apply::Done;
use crate::deploy::create::create_once;
use crate::deploy::report::AppStatus;
use crate::deploy::request::WaitFor;
use crate::deploy::session::Session;
use crate::dokploy::{
    CreateApplication, Expected, Mark, MarkKind, Progress, SaveDockerProvider, SaveEnvironment, UpdateApplication,
    WaitSettings,
};
use crate::env::encode_env;
use crate::plan::{DatabaseLogin, DeploymentTitle, DesiredApp, DesiredImage, Step, app_fingerprint, env_fingerprint};
use crate::secrets::{Secret, generate_secret};
use crate::state::{Deployed, Intent, Outcome, ResourceKind, State};
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use serde_json::Map;

/// Why a step that follows a build had nothing to do.
const SAME_IMAGE: &str = "its image turned out to be the one that runs";

/// Creates an app's application.
pub(super) async fn create(session: &Session, step: &Step, app: &str) -> Result<Done, DeployError> {
    let environment = session.environment()?;
    let mark = session.scope().mark(MarkKind::App, app);
    let description = mark.put_into(&format!("App {app} of {}", session.desired.workspace));
    let create = CreateApplication {
        name: app,
        environment_id: &environment,
        app_name: session.base_name(app),
        description: Some(&description),
    };
    let send = || async {
        let made = session.client.application().create(&create).await?;
        Ok((made.application_id, made.app_name))
    };
    let find = || async {
        let listed = session.client.environment().one(&environment).await?.applications;
        let ours = listed.iter().find(|entry| {
            entry.name == app && entry.description.as_deref().and_then(Mark::parse).as_ref() == Some(&mark)
        });
        let Some(ours) = ours else { return Ok(None) };
        let found = session.client.application().one(&ours.id).await?;
        Ok(Some((found.application_id, found.app_name)))
    };
    let intent = Intent::Create { resource: ResourceKind::Application, name: app.to_owned(), mark: mark.format() };
    let made = create_once(&session.journal, &step.id, intent, session.surroundings.landing, send, find).await?;
    session.world().applications.insert(app.to_owned(), made.clone());
    session.state.update(|state| state.applications.insert(app.to_owned(), made.0)).await?;
    Ok(Done::Changed)
}

/// Puts our mark on an application that lacks it, behind what its description says.
pub(super) async fn mark(session: &Session, app: &str, description: &str) -> Result<Done, DeployError> {
    let (id, _) = session.application(app)?;
    let description = session.scope().mark(MarkKind::App, app).put_into(description);
    let update =
        UpdateApplication { application_id: &id, description: Some(&description), ..UpdateApplication::default() };
    session.client.repeat(|| async { session.client.application().update(&update).await }).await?;
    session.state.update(|state| state.applications.insert(app.to_owned(), id.clone())).await?;
    Ok(Done::Changed)
}

/// Tells the server an app's image and environment. The running containers keep theirs until the deployment.
///
/// Nothing, where the build gave the image of `unless`, with which the app runs as wanted already.
pub(super) async fn configure(
    session: &Session,
    app: &str,
    login: DatabaseLogin,
    unless: Option<&str>,
) -> Result<Done, DeployError> {
    let desired = &session.desired.apps[app];
    let (id, _) = session.application(app)?;
    let image = image_of(session, desired)?;
    if unless == Some(image.as_str()) {
        return Ok(Done::Nothing(SAME_IMAGE.to_owned()));
    }
    let env = environment_of(session, desired, login)?;
    let text = Secret::new(encode_env(app, &env)?);
    let login = desired.registry.as_ref();
    let provider = SaveDockerProvider {
        application_id: &id,
        docker_image: Some(&image),
        username: login.map(|login| login.username.as_str()),
        password: login.map(|login| &login.password),
        registry_url: login.map(|login| login.url.as_str()),
    };
    let variables = SaveEnvironment { application_id: &id, env: &text };
    let api = session.client.application();
    // Neither is given up when the other fails: what was sent is answered.
    let (image_saved, env_saved) = tokio::join!(
        session.client.repeat(|| async { api.save_docker_provider(&provider).await }),
        session.client.repeat(|| async { api.save_environment(&variables).await }),
    );
    image_saved.and(env_saved)?;
    session.world().configured.insert(app.to_owned(), env);
    Ok(Done::Changed)
}

/// Deploys an app and follows it as far as the request says (I7); nothing, as in [`configure`].
pub(super) async fn deploy(
    session: &Session,
    step: &Step,
    app: &str,
    login: DatabaseLogin,
    unless: Option<&str>,
) -> Result<Done, DeployError> {
    let desired = &session.desired.apps[app];
    let (id, app_name) = session.application(app)?;
    let image = image_of(session, desired)?;
    if unless == Some(image.as_str()) {
        session.world().status.insert(app.to_owned(), AppStatus::Running);
        return Ok(Done::Nothing(SAME_IMAGE.to_owned()));
    }
    let env = environment_of(session, desired, login)?;
    let title = title(session, desired, &image, &env);
    // Whatever the request says: the next step of a rotation needs what this one brings to run.
    let wait_for = if rotation::turns(session, app) { WaitFor::Running } else { session.wait_for };
    let expected = expected(session, app, &app_name, &image, &env, wait_for).await?;
    let entry = session
        .journal
        .intend(step.id.as_str(), Intent::Deploy { app: app.to_owned(), title: title.to_string() })
        .await?;
    send(session, &id, &title.to_string()).await?;
    session.world().status.insert(app.to_owned(), AppStatus::Queued);
    follow(session, step, app, &title.to_string(), expected, wait_for).await?;
    if wait_for == WaitFor::Running {
        if rotation::turns(session, app) {
            rotation::drained(session, step, app, &app_name).await?;
        }
        let deployed = Deployed {
            fingerprint: title.fingerprint.clone(),
            environment: env_fingerprint(&env),
            image,
            title: title.to_string(),
            unknown: Map::new(),
        };
        let seen = |state: &mut State| {
            state.deploy_native.deployed.insert(app.to_owned(), deployed);
            rotation::seen_running(state, app, login);
        };
        tokio::try_join!(session.state.update(seen), session.journal.settle(&entry, Outcome::Done))?;
        session.world().ran.insert(app.to_owned(), env);
    } else {
        session.journal.settle(&entry, Outcome::Done).await?;
    }
    Ok(Done::Changed)
}

/// What must run after the deployment, and what ran before it.
async fn expected(
    session: &Session,
    app: &str,
    app_name: &str,
    image: &str,
    env: &IndexMap<String, Secret>,
    wait_for: WaitFor,
) -> Result<Expected, DeployError> {
    let mut expected = Expected {
        image: image.to_owned(),
        env: env.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        ..Expected::default()
    };
    if wait_for == WaitFor::Running {
        let ran = session.world().ran.get(app).cloned();
        // An application that this run has made, and not deployed yet, has neither.
        let Some(former) = ran.as_ref().or_else(|| session.environments.get(app)) else { return Ok(expected) };
        expected.former_env = former.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        expected.tasks_before = session.client.tasks(app_name).await?.into_iter().map(|task| task.id).collect();
    }
    Ok(expected)
}

/// Follows a deployment as far as the request says.
async fn follow(
    session: &Session,
    step: &Step,
    app: &str,
    title: &str,
    expected: Expected,
    wait_for: WaitFor,
) -> Result<(), DeployError> {
    let (id, app_name) = session.application(app)?;
    let settings = WaitSettings { stability: session.stability, ..session.surroundings.wait.clone() };
    let progress = |state: Progress| session.progress(step, state.as_str());
    if wait_for > WaitFor::Queued {
        let followed = session.client.follow_deployment(&id, title, &settings, &progress).await;
        followed.inspect_err(|error| log_tail(session, step, error)).map_err(|error| error.app(app))?;
        session.world().status.insert(app.to_owned(), AppStatus::Deployed);
    }
    if wait_for == WaitFor::Running {
        let proven = session.client.prove_running(&id, &app_name, expected, &settings, &progress).await;
        proven.inspect_err(|error| log_tail(session, step, error)).map_err(|error| error.app(app))?;
        session.world().status.insert(app.to_owned(), AppStatus::Running);
    }
    Ok(())
}

/// Passes the log of a failure on as events.
fn log_tail(session: &Session, step: &Step, error: &DeployError) {
    error.log_tail().into_iter().flat_map(str::lines).for_each(|line| session.log(step, line));
}

/// Queues the deployment. Sent twice it would only be made twice, one after the other, with the same outcome.
async fn send(session: &Session, id: &str, title: &str) -> Result<(), DeployError> {
    let description = format!("stage {}", session.desired.stage);
    session.client.repeat(|| async { session.client.application().deploy(id, title, &description).await }).await?;
    Ok(())
}

fn title(session: &Session, desired: &DesiredApp, image: &str, env: &IndexMap<String, Secret>) -> DeploymentTitle {
    let nonce = generate_secret(session.surroundings.entropy.as_ref());
    let source = match &desired.image {
        DesiredImage::Build { fingerprint, .. } => fingerprint.clone(),
        // What it was built from matters as well when it is deployed again as it is.
        DesiredImage::Given { reference, .. } => {
            let pushed = session.state.snapshot().deploy_native.images.get(&desired.name).cloned();
            pushed.filter(|pushed| pushed.reference == *reference).map(|pushed| pushed.fingerprint)
        }
    };
    DeploymentTitle {
        fingerprint: app_fingerprint(image, env, desired.registry.as_ref()),
        image: source,
        nonce: nonce.expose().chars().take(12).collect(),
        serial: Some(session.state.snapshot().deploy_native.serial).filter(|serial| *serial > 0),
    }
}

fn image_of(session: &Session, desired: &DesiredApp) -> Result<String, DeployError> {
    if let Some(image) = session.world().images.get(&desired.name) {
        return Ok(image.clone());
    }
    if let DesiredImage::Given { reference, .. } = &desired.image {
        return Ok(reference.clone());
    }
    let state = session.state.snapshot();
    state
        .deploy_native
        .images
        .get(&desired.name)
        .map(|image| image.reference.clone())
        .ok_or_else(|| DeployError::new(ErrorCode::Internal, format!("The image of {} is not known", desired.name)))
}

/// An app's environment with the values that only became known during the run, and with this database login.
fn environment_of(
    session: &Session,
    desired: &DesiredApp,
    login: DatabaseLogin,
) -> Result<IndexMap<String, Secret>, DeployError> {
    let mut env = desired.env.values.clone();
    if !desired.env.unknown.is_empty() {
        let (postgres, redis) = {
            let world = session.world();
            (world.postgres.clone(), world.redis.clone())
        };
        let state = session.state.snapshot();
        let redis = redis.as_ref().map(|(_, name)| name.as_str());
        env = session.resolver.resolve(&desired.name, &state, postgres.as_ref(), redis)?;
        env.values().for_each(|value| session.redactor.add(value));
    }
    rotation::log_in(session, &desired.name, &mut env, login)?;
    Ok(env)
}
