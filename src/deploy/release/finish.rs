//! Finding out how a release ended that another run has begun.

use super::end::{End, Ended, follow_to_end};
use super::start::remove_ended;
use crate::DeployError;
use crate::deploy::changes::{StepContext, delete_application};
use crate::deploy::context::ApplicationRef;
use crate::dokploy::{ApiError, Deployment};
use crate::plan::ReleaseTitle;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

/// A release that another run has begun.
pub(crate) struct Found {
    /// The application's id.
    pub(crate) id: String,
    /// The app.
    pub(crate) app: String,
    /// Whether who has begun it is known to be gone; else it may live, and has yet to see how it ended.
    pub(crate) abandoned: bool,
}

/// Waits until a release that another run has begun is accounted for: its success is remembered, and its application is
/// gone. One that was made and never deployed is removed.
///
/// # Errors
///
/// `DOKPLOY_*`, `STATE_IO`.
pub(crate) async fn finish(cx: &StepContext<'_>, found: &Found) -> Result<(), DeployError> {
    let application = match cx.client.application().one(&found.id).await {
        Err(error) if error.is_not_found() => return Ok(()),
        application => ApplicationRef::from(application?),
    };
    let Some(begun) = begun(cx, &application).await? else {
        return Ok(delete_application(&cx.client, &application.id).await?);
    };
    let limit = Duration::from_secs(begun.title.limit.into());
    let left = limit.saturating_sub(begun.age(cx));
    match follow_to_end(cx, &application, &begun.title.to_string(), left).await {
        Ok(Ended { end: End::Succeeded, .. }) => {
            let (app, fingerprint) = (found.app.clone(), begun.title.fingerprint);
            cx.state.update(|state| state.deploy_native.released.insert(app, fingerprint)).await?;
        }
        Ok(Ended { end, .. }) => {
            let told = end.told(&found.app, limit);
            let message = told.map_or_else(String::new, |(message, _)| message);
            cx.reporter.warn("release-interrupted", &format!("{message}, while nobody looked"), Some(&found.app));
        }
        // Nothing was run.
        Err(error) if error.code() == crate::ErrorCode::DeploymentFailed => {}
        Err(error) => return Err(error),
    }
    if !found.abandoned {
        sleep(cx.surroundings.landing).await;
    }
    remove_ended(cx, &application).await
}

/// A release that was deployed.
struct Begun {
    title: ReleaseTitle,
    at: Option<OffsetDateTime>,
}

impl Begun {
    /// How long ago that was, by the server's clock and ours.
    fn age(&self, cx: &StepContext<'_>) -> Duration {
        let age = self.at.map(|at| (cx.surroundings.now)() - at);
        age.and_then(|age| age.try_into().ok()).unwrap_or_default()
    }
}

/// Finds the deployment of a release. One that was just sent may be in neither list yet, so that it is looked for until it
/// would have landed.
async fn begun(cx: &StepContext<'_>, application: &ApplicationRef) -> Result<Option<Begun>, DeployError> {
    let deadline = Instant::now() + cx.surroundings.landing;
    loop {
        match look(cx, application).await {
            Ok(Some(begun)) => return Ok(Some(begun)),
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) if !error.is_transient() => return Err(error.into()),
            Ok(None) | Err(_) if Instant::now() >= deadline => return Ok(None),
            Ok(None) | Err(_) => sleep(cx.surroundings.wait.first_pause.min(cx.surroundings.landing)).await,
        }
    }
}

async fn look(cx: &StepContext<'_>, application: &ApplicationRef) -> Result<Option<Begun>, ApiError> {
    let api = cx.client.deployment();
    let (queue, deployments) = tokio::try_join!(api.queue_list(), api.all(&application.id))?;
    let made = deployments.iter().find_map(|Deployment { title, created_at, .. }| {
        let at = OffsetDateTime::parse(created_at, &Rfc3339).ok();
        Some(Begun { title: ReleaseTitle::parse(title)?, at })
    });
    let queued = queue.iter().filter(|job| job.application_id.as_deref() == Some(application.id.as_str()));
    let queued = queued.filter_map(|job| ReleaseTitle::parse(job.title.as_deref()?));
    Ok(made.or_else(|| queued.map(|title| Begun { title, at: None }).next()))
}
