//! Bringing up a service: its password, and its deployment, which is never repeated beside another one.

use crate::deploy::changes::StepContext;
use crate::deploy::context::carries;
use crate::deploy::prepare::has_running_task;
use crate::dokploy::{ApiError, Mark, ServiceEntry, ServiceStatus};
use crate::secrets::{Secret, generate_password};
use crate::state::State;
use crate::{DeployError, ErrorCode};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often such a deployment is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The service's password: the one in the state, else a new one that is durable when this returns.
pub(super) async fn password(
    cx: &StepContext<'_>,
    place: impl Fn(&mut State) -> &mut Option<Secret> + Send + Sync,
) -> Result<Secret, DeployError> {
    let fresh = generate_password(cx.entropy());
    let chosen = cx.state.update(|state| place(state).get_or_insert(fresh).clone()).await?;
    cx.reporter.hide(&chosen);
    Ok(chosen)
}

pub(super) fn marked(entries: &[ServiceEntry], name: &str, mark: &Mark) -> Option<String> {
    let ours = |entry: &&ServiceEntry| entry.name == name && carries(entry.description.as_deref(), mark);
    entries.iter().find(ours).map(|entry| entry.id.clone())
}

/// Whether a service that was made before runs by now: waits until a deployment that is under way is over, for as long as
/// the server may pull an image, and then looks.
///
/// A deployment beside another one, and of what runs, restarts the service: a young database never starts again after
/// that, and Redis loses what it holds (facts: External port).
pub(super) async fn came_up<Asked>(
    cx: &StepContext<'_>,
    ask: impl Fn() -> Asked,
    app_name: &str,
) -> Result<bool, DeployError>
where
    Asked: Future<Output = Result<ServiceStatus, DeployError>>,
{
    let deadline = Instant::now() + cx.surroundings.client.long_timeout;
    let mut status = ask().await?;
    if status == ServiceStatus::Running {
        cx.progress("waiting for a deployment that is under way");
    }
    while status == ServiceStatus::Running && Instant::now() < deadline {
        sleep(LOOK_EVERY.min(cx.surroundings.landing)).await;
        status = ask().await?;
    }
    Ok(status == ServiceStatus::Done || has_running_task(&cx.client, app_name).await?)
}

/// Deploys a database; when the answer is lost, looks for up to `limit`, since the server may pull an image, until it
/// says that it is over.
pub(super) async fn deployed<Sent, Asked>(
    send: impl Fn() -> Sent,
    ask: impl Fn() -> Asked,
    limit: Duration,
    kind: &str,
) -> Result<(), DeployError>
where
    Sent: Future<Output = Result<(), ApiError>>,
    Asked: Future<Output = Result<ServiceStatus, DeployError>>,
{
    let failed = |error: Option<ApiError>| {
        let said = error.map_or_else(|| "its status is error".to_owned(), |error| error.to_string());
        DeployError::new(ErrorCode::DeploymentFailed, format!("{kind} could not be deployed: {said}"))
            .resource(kind)
            .reason("service-failed")
            .hint("Look at the service in Dokploy: often its image cannot be pulled")
    };
    let lost = match send().await {
        Ok(()) => return if ask().await? == ServiceStatus::Error { Err(failed(None)) } else { Ok(()) },
        Err(error) if error.outcome_unknown() => error,
        Err(error) => return Err(error.into()),
    };
    let deadline = Instant::now() + limit;
    let mut idle = 0_u32;
    while Instant::now() < deadline {
        match ask().await? {
            ServiceStatus::Done => return Ok(()),
            ServiceStatus::Error => return Err(failed(Some(lost))),
            ServiceStatus::Running => {}
            // The request never arrived.
            ServiceStatus::Idle | ServiceStatus::Unknown if idle >= 3 => return Ok(send().await?),
            ServiceStatus::Idle | ServiceStatus::Unknown => idle += 1,
        }
        sleep(LOOK_EVERY).await;
    }
    Err(failed(Some(lost)))
}
