//! An app's settings and its deployment, seen running (I7).

use super::delivery::{Delivery, Parts, SAME_IMAGE};
use super::follow::follow;
use super::logins::seen_running;
use super::readiness::{Readiness, ReadinessCheck};
use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::apply::resources::AppDeployment;
use crate::deploy::changes::StepContext;
use crate::deploy::report::AppStatus;
use crate::deploy::request::WaitFor;
use crate::dokploy::{Expected, HealthCheckSwarm, SaveDockerProvider, SaveEnvironment, UpdateApplication};
use crate::env::encode_env;
use crate::plan::{DatabaseLogin, DeploymentTitle, env_fingerprint, shortened, verified};
use crate::secrets::Secret;
use crate::state::{Deployed, Entry, Intent, Outcome, ResourceKind, State, Verified};
use indexmap::IndexMap;
use serde_json::Map;

/// Tells the server an app's image and environment. The running containers keep theirs until the deployment.
///
/// Nothing, where the build gave the image with which the app runs as desired already. `check`: the health check of its
/// containers as well.
pub(super) async fn configure(
    cx: &StepContext<'_>,
    delivery: &Delivery<'_>,
    parts: &Parts,
    check: bool,
) -> Result<StepOutcome, DeployError> {
    if delivery.runs_with(&parts.image) {
        return Ok(StepOutcome::unchanged(SAME_IMAGE));
    }
    let desired = delivery.desired;
    let id = parts.application.id.as_str();
    let env = Secret::new(encode_env(&desired.name, &delivery.environment(cx, parts)?)?);
    let login = desired.registry.as_ref();
    let provider = SaveDockerProvider {
        application_id: id,
        docker_image: Some(&parts.image),
        username: login.map(|login| login.username.as_str()),
        password: login.map(|login| &login.password),
        registry_url: login.map(|login| login.url.as_str()),
    };
    let variables = SaveEnvironment { application_id: id, env: &env };
    let health = desired.check().map(|check| HealthCheckSwarm::from(&check));
    let health = UpdateApplication {
        application_id: id,
        health_check_swarm: check.then_some(health),
        ..UpdateApplication::default()
    };
    let api = cx.client.application();
    let change = async {
        // None is given up when another fails: what was sent is answered.
        let (image_saved, env_saved, health_saved) = tokio::join!(
            cx.client.repeat(|| async { api.save_docker_provider(&provider).await }),
            cx.client.repeat(|| async { api.save_environment(&variables).await }),
            async { if check { cx.client.repeat(|| async { api.update(&health).await }).await } else { Ok(()) } },
        );
        image_saved.and(env_saved).and(health_saved)
    };
    let (resource, name) = (ResourceKind::Application, desired.name.clone());
    cx.journaled(Intent::Update { resource, name, id: id.to_owned() }, change).await?;
    Ok(StepOutcome::Changed(()))
}

/// Deploys an app and follows it as far as the request says; makes known what was seen. Nothing, as in [`configure`].
///
/// `former` is what an earlier deployment of this run brought to run.
pub(super) async fn deploy(
    cx: &StepContext<'_>,
    delivery: &Delivery<'_>,
    parts: &Parts,
    (readiness, environment): (&Readiness<'_>, &str),
    former: Option<AppDeployment>,
) -> Result<StepOutcome<AppDeployment>, DeployError> {
    if delivery.runs_with(&parts.image) {
        let value = AppDeployment { status: AppStatus::Running, env: None };
        return Ok(StepOutcome::Unchanged { value, reason: SAME_IMAGE.to_owned() });
    }
    let env = delivery.environment(cx, parts)?;
    let title = delivery.title(cx, &parts.image, &env);
    let expected = expected(cx, delivery, parts, &env, former).await?;
    let app = delivery.desired.name.clone();
    let entry = cx.intend(Intent::Deploy { app, title: title.to_string() }).await?;
    send(cx, &parts.application.id, &title.to_string()).await?;
    let check = ReadinessCheck::new(cx, readiness, delivery, parts, environment);
    let title_text = title.to_string();
    let followed = follow(cx, (delivery, parts), &title_text, expected, &check);
    let status = if delivery.wait_for() == WaitFor::Running {
        // The check is up by the time that the app is.
        let (status, ()) = tokio::join!(followed, check.start());
        status?
    } else {
        followed.await?
    };
    if status != AppStatus::Running {
        cx.journal.settle(&entry, Outcome::Done).await?;
        return Ok(StepOutcome::Changed(AppDeployment { status, env: None }));
    }
    let deployed = Deployed {
        fingerprint: title.fingerprint.clone(),
        environment: env_fingerprint(&env),
        image: parts.image.clone(),
        title: title.to_string(),
        checked: delivery.desired.check().is_some(),
        unknown: Map::new(),
    };
    let past = past(cx, delivery, &title, (&parts.image, &env));
    remember(cx, delivery, (deployed, past), &entry).await?;
    Ok(StepOutcome::Changed(AppDeployment { status, env: Some(env) }))
}

/// What must run after the deployment, and what ran before it.
async fn expected(
    cx: &StepContext<'_>,
    delivery: &Delivery<'_>,
    parts: &Parts,
    env: &IndexMap<String, Secret>,
    former: Option<AppDeployment>,
) -> Result<Expected, DeployError> {
    let pairs =
        |env: &IndexMap<String, Secret>| env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut expected = Expected { image: parts.image.clone(), env: pairs(env), ..Expected::default() };
    if delivery.wait_for() == WaitFor::Running {
        let ran = former.and_then(|former| former.env);
        // An application that this run has made, and not deployed yet, has neither.
        let Some(former) = ran.as_ref().or(delivery.stored_env) else { return Ok(expected) };
        expected.former_env = pairs(former);
        let tasks = cx.client.tasks(&parts.application.app_name).await?;
        expected.tasks_before = tasks.into_iter().map(|task| task.id).collect();
    }
    Ok(expected)
}

/// Queues the deployment. Sent twice it would only be made twice, one after the other, with the same outcome.
async fn send(cx: &StepContext<'_>, id: &str, title: &str) -> Result<(), DeployError> {
    let description = format!("stage {}", cx.marks.stage);
    cx.client.repeat(|| async { cx.client.application().deploy(id, title, &description).await }).await?;
    Ok(())
}

/// The deployment as an app can go back to it. One that is only half of the way through a rotation is none.
fn past(
    cx: &StepContext<'_>,
    delivery: &Delivery<'_>,
    title: &DeploymentTitle,
    (image, env): (&str, &IndexMap<String, Secret>),
) -> Option<Verified> {
    let verified = verified(delivery.desired, image, env).filter(|_| delivery.login == DatabaseLogin::Own)?;
    Some(Verified {
        id: title.nonce.clone(),
        at: cx.begun.clone(),
        release: title.release.as_deref().map(shortened).unwrap_or_default(),
        ..verified
    })
}

/// Remembers what was seen running.
async fn remember(
    cx: &StepContext<'_>,
    delivery: &Delivery<'_>,
    (deployed, past): (Deployed, Option<Verified>),
    entry: &Entry,
) -> Result<(), DeployError> {
    let app = delivery.desired.name.as_str();
    let seen = |state: &mut State| {
        state.deploy_native.deployed.insert(app.to_owned(), deployed);
        if let Some(past) = past {
            let history = &mut state.deploy_native.history;
            if delivery.goes_back {
                history.remember_return(app, past);
            } else {
                history.remember(app, past);
            }
            state.deploy_native.rolling_back.remove(app);
        }
        seen_running(state, app, delivery.login);
    };
    tokio::try_join!(cx.state.update(seen), cx.journal.settle(entry, Outcome::Done))?;
    Ok(())
}
