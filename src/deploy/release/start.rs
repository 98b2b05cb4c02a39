//! Starting a release, exactly once, and taking its application away.

use crate::DeployError;
use crate::deploy::changes::{StepContext, becomes_idle, delete_application};
use crate::deploy::context::ApplicationRef;
use crate::dokploy::{RestartCondition, RestartPolicy, SaveDockerProvider, SaveEnvironment, UpdateApplication};
use crate::env::encode_env;
use crate::plan::{DesiredRegistry, ReleaseTitle};
use crate::secrets::Secret;
use crate::state::{Entry, Intent};
use indexmap::IndexMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a deployment that is under way is waited for before its application is deleted.
const IDLE_LIMIT: Duration = Duration::from_mins(2);
/// How long a container that was told to stop may take: Docker's grace, and some time for what comes after it.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// What a release runs.
pub(crate) struct Start<'a> {
    /// The app.
    pub(crate) app: &'a str,
    /// The image.
    pub(crate) image: &'a str,
    /// The login that pulls it.
    pub(crate) registry: Option<&'a DesiredRegistry>,
    /// The variables.
    pub(crate) env: &'a IndexMap<String, Secret>,
    /// The program and its arguments.
    pub(crate) command: &'a [String],
    /// The title of its only deployment.
    pub(crate) title: &'a ReleaseTitle,
}

/// Tells the server what to run, and has it run. The journal's entry stays unfinished until the end is known.
///
/// # Errors
///
/// `DOKPLOY_*`, `ENV_NOT_REPRESENTABLE`, `STATE_IO`.
pub(crate) async fn start(
    cx: &StepContext<'_>,
    application: &ApplicationRef,
    start: &Start<'_>,
) -> Result<Entry, DeployError> {
    configure(cx, application, start).await?;
    let (id, title) = (application.id.as_str(), start.title.to_string());
    let description = format!("stage {}", cx.marks.stage);
    // A second deployment would run it a second time: one whose answer is lost is looked for before it is sent again.
    let send = || async { cx.client.application().deploy(id, &title, &description).await };
    let find = || async {
        let api = cx.client.deployment();
        let (queue, deployments) = tokio::try_join!(api.queue_list(), api.all(id))?;
        let queued = queue.iter().any(|job| job.title.as_deref() == Some(title.as_str()));
        Ok((queued || deployments.iter().any(|it| it.title == title)).then_some(()))
    };
    let intent = Intent::Release { app: start.app.to_owned(), title: title.clone() };
    let ((), entry) = cx.create_unsettled(intent, send, find).await?;
    Ok(entry)
}

async fn configure(cx: &StepContext<'_>, application: &ApplicationRef, start: &Start<'_>) -> Result<(), DeployError> {
    let (api, id) = (cx.client.application(), application.id.as_str());
    let provider = SaveDockerProvider {
        application_id: id,
        docker_image: Some(start.image),
        username: start.registry.map(|login| login.username.as_str()),
        password: start.registry.map(|login| &login.password),
        registry_url: start.registry.map(|login| login.url.as_str()),
    };
    let env = Secret::new(encode_env(start.app, start.env)?);
    let args: Vec<Secret> = start.command.iter().skip(1).map(|argument| Secret::new(argument.as_str())).collect();
    // In place of the image's entry point; the server passes the arguments as they are.
    let update = UpdateApplication {
        application_id: id,
        command: start.command.first().map(String::as_str),
        args: Some(&args),
        restart_policy_swarm: Some(RestartPolicy { condition: RestartCondition::None, delay: None }),
        ..UpdateApplication::default()
    };
    let (image, env, command) = tokio::join!(
        cx.client.repeat(|| async { api.save_docker_provider(&provider).await }),
        cx.client.repeat(|| async { api.save_environment(&SaveEnvironment { application_id: id, env: &env }).await }),
        cx.client.repeat(|| async { api.update(&update).await }),
    );
    Ok(image.and(env).and(command)?)
}

/// Takes the application of a release away, and returns when nothing of it runs any more: not before that may another one
/// begin.
///
/// # Errors
///
/// `DOKPLOY_*`.
pub(crate) async fn remove_ended(cx: &StepContext<'_>, application: &ApplicationRef) -> Result<(), DeployError> {
    becomes_idle(&cx.client, &application.id, IDLE_LIMIT).await;
    delete_application(&cx.client, &application.id).await?;
    let deadline = Instant::now() + STOP_LIMIT;
    while !is_gone(cx, application).await && Instant::now() < deadline {
        sleep(cx.surroundings.wait.first_pause).await;
    }
    Ok(())
}

/// Whether the containers of a release application have ended, as far as can be seen.
async fn is_gone(cx: &StepContext<'_>, application: &ApplicationRef) -> bool {
    let containers = cx.client.docker().containers(&application.app_name).await;
    containers.is_ok_and(|all| all.iter().all(|container| container.state != "running"))
}
