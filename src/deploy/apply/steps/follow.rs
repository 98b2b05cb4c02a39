//! Following a deployment as far as the request says: that it is done, that it runs and answers, and that it stays (I7).

use super::delivery::{Delivery, Parts};
use super::logins::wait_until_drained;
use super::readiness::ReadinessCheck;
use crate::DeployError;
use crate::deploy::changes::StepContext;
use crate::deploy::report::AppStatus;
use crate::deploy::request::WaitFor;
use crate::dokploy::{Expected, Progress, WaitSettings};
use tokio::sync::watch;

/// Follows a deployment as far as the request says; says how far it was seen to come.
///
/// # Errors
///
/// `DEPLOYMENT_FAILED`, `DOKPLOY_*`.
pub(super) async fn follow(
    cx: &StepContext<'_>,
    (delivery, parts): (&Delivery<'_>, &Parts),
    title: &str,
    expected: Expected,
    check: &ReadinessCheck<'_>,
) -> Result<AppStatus, DeployError> {
    let app = delivery.desired.name.as_str();
    let mut settings = WaitSettings { stability: delivery.stability, ..cx.surroundings.wait.clone() };
    if let Some(check) = delivery.desired.check() {
        // Until then Swarm has not decided.
        settings.running_deadline += check.longest();
    }
    if delivery.wait_for() == WaitFor::Queued {
        return Ok(AppStatus::Queued);
    }
    let progress = |state: Progress| cx.progress(state.as_str());
    let followed = cx.client.follow_deployment(&parts.application.id, title, &settings, &progress).await;
    followed.inspect_err(|error| log_tail(cx, error)).map_err(|error| error.app(app))?;
    if delivery.wait_for() == WaitFor::Deployed {
        return Ok(AppStatus::Deployed);
    }
    let stays = stays(cx, parts, expected, &settings, check).await;
    stays.inspect_err(|error| log_tail(cx, error)).map_err(|error| error.app(app))?;
    if delivery.changes_login() {
        wait_until_drained(cx, app, &parts.application.app_name).await?;
    }
    Ok(AppStatus::Running)
}

/// Waits until what was deployed runs, answers, and has done so through the stability window: what depends on it goes on
/// when it answers.
async fn stays(
    cx: &StepContext<'_>,
    parts: &Parts,
    expected: Expected,
    settings: &WaitSettings,
    check: &ReadinessCheck<'_>,
) -> Result<(), DeployError> {
    let replaces = !expected.tasks_before.is_empty();
    let (tell, runs) = watch::channel(false);
    let progress = |state: Progress| {
        if state == Progress::Running {
            tell.send_replace(true);
        }
        cx.progress(state.as_str());
    };
    let (id, app_name) = (&parts.application.id, &parts.application.app_name);
    let proven = cx.client.prove_running(id, app_name, expected, settings, &progress);
    let proven = async {
        let since = proven.await?;
        // A window of no length passes unseen.
        tell.send_replace(true);
        Ok(since)
    };
    let (since, ()) = futures_util::try_join!(proven, check.first_answer(runs, replaces))?;
    check.answers_since(since).await
}

/// Passes the log of a failure on as events.
fn log_tail(cx: &StepContext<'_>, error: &DeployError) {
    error.log_tail().into_iter().flat_map(str::lines).for_each(|line| cx.log(line));
}
