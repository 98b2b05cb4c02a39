//! Follows one deployment through the server's queue to its end, by its unique title.

use super::advice::advice;
use super::log;
use super::polling::{OnProgress, Polling, WaitSettings};
use super::progress::Progress;
use crate::dokploy::api::{Deployment, DeploymentStatus, QueueJob};
use crate::dokploy::client::Dokploy;
use crate::dokploy::transport::ApiError;
use crate::{DeployError, ErrorCode};
use std::sync::Arc;
use std::time::Duration;

/// Where a deployment was found: the server keeps a queue, and a list of those that have started for each application.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lookup {
    /// It is in the queue, or the worker has just taken it up.
    Queued,
    /// It has started; its status says how far it is.
    Started(Deployment),
    /// It is in neither list.
    NotFound,
}

/// Finds the deployment `title` of an application in the lists.
///
/// A job that leaves the queue while both are read may be in neither: only one that stays missing is lost.
fn find(application_id: &str, title: &str, queue: &[QueueJob], deployments: &[Deployment]) -> Lookup {
    if let Some(deployment) = deployments.iter().find(|deployment| deployment.title == title) {
        return Lookup::Started(deployment.clone());
    }
    if queue.iter().any(|job| job.is(application_id, title)) { Lookup::Queued } else { Lookup::NotFound }
}

impl QueueJob {
    fn is(&self, application_id: &str, title: &str) -> bool {
        self.application_id.as_deref() == Some(application_id) && self.title.as_deref() == Some(title)
    }
}

/// Where a deployment was last found, which decides what has to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastFound {
    Never,
    Queued,
    Started,
}

impl Dokploy {
    /// Waits until the deployment `title` of an application is done: its image pulled, its service changed.
    ///
    /// That does not mean that it runs: [`Dokploy::prove_running`] finds out. It only reads, and may be dropped at any time.
    ///
    /// # Errors
    ///
    /// `DEPLOYMENT_FAILED` with the tail of the deployment's log and the reason `deployment-error`, `cancelled`, `lost`
    /// (the server forgot it, as it does when it restarts) or `timeout`; else as [`ApiError`].
    pub async fn follow_deployment(
        &self,
        application_id: &str,
        title: &str,
        settings: &WaitSettings,
        on_progress: OnProgress<'_>,
    ) -> Result<Deployment, DeployError> {
        let mut polling = Polling::start(settings, settings.deployment_deadline, on_progress);
        let mut last = LastFound::Never;
        // When it was last known to wait or to be worked on.
        let mut last_found_at = Duration::ZERO;
        loop {
            let lookup = self.look_up(application_id, title, last, settings.first_pause).await;
            match polling.tolerate_outage(lookup)? {
                Some(Lookup::Started(deployment)) => {
                    if last != LastFound::Started {
                        (last, last_found_at) = (LastFound::Started, polling.elapsed());
                    }
                    match deployment.status {
                        DeploymentStatus::Done => return Ok(deployment),
                        DeploymentStatus::Error | DeploymentStatus::Cancelled => {
                            return Err(self.deployment_failure(&deployment).await);
                        }
                        DeploymentStatus::Running | DeploymentStatus::Unknown => polling.report(Progress::Pulling),
                    }
                    let unseen = polling.elapsed().saturating_sub(last_found_at);
                    if unseen >= settings.queue_age() {
                        let worked_on = self.is_worked_on(application_id, title, settings.queue_age()).await;
                        match polling.tolerate_outage(worked_on)? {
                            Some(false) if unseen >= settings.lost_after => return Err(abandoned()),
                            Some(false) => {}
                            Some(true) | None => last_found_at = polling.elapsed(),
                        }
                    }
                }
                Some(Lookup::Queued) => {
                    last = LastFound::Queued;
                    last_found_at = polling.elapsed();
                    polling.report(Progress::Queued);
                }
                Some(Lookup::NotFound) if polling.elapsed().saturating_sub(last_found_at) >= settings.lost_after => {
                    return Err(lost());
                }
                Some(Lookup::NotFound) => {}
                // The server was unreachable: the deployment may have been there all the time.
                None => last_found_at = polling.elapsed(),
            }
            if polling.is_past_deadline() {
                return Err(timed_out(last == LastFound::Started, settings.deployment_deadline));
            }
            polling.pause().await;
        }
    }

    /// Looks a deployment up, and reads no more than necessary. The shared queue may be as old as `age`.
    async fn look_up(
        &self,
        application_id: &str,
        title: &str,
        last: LastFound,
        age: Duration,
    ) -> Result<Lookup, ApiError> {
        let api = self.deployment();
        let queue: Arc<[QueueJob]> = match last {
            LastFound::Started => Arc::new([]),
            LastFound::Queued => self.queue.read(api, age).await?,
            LastFound::Never => {
                let (queue, deployments) = futures_util::try_join!(self.queue.read(api, age), api.all(application_id))?;
                return Ok(find(application_id, title, &queue, &deployments));
            }
        };
        // While it is queued, the application's own list does not have it.
        if queue.iter().any(|job| !job.active && job.is(application_id, title)) {
            return Ok(Lookup::Queued);
        }
        Ok(find(application_id, title, &queue, &api.all(application_id).await?))
    }

    /// Whether the server's queue still has the job of a deployment that has started.
    ///
    /// A server that was restarted may leave the row of a deployment as it was, and nobody works on it any more.
    async fn is_worked_on(&self, application_id: &str, title: &str, age: Duration) -> Result<bool, ApiError> {
        let queue = self.queue.read(self.deployment(), age).await?;
        Ok(queue.iter().any(|job| job.is(application_id, title)))
    }

    async fn deployment_failure(&self, deployment: &Deployment) -> DeployError {
        let log = self.deployment().read_logs(&deployment.deployment_id, log::TAIL).await;
        // The failure itself matters more than a log that cannot be read.
        let log = log.map(|log| self.redact(log.expose())).unwrap_or_default();
        let line = log::failing_line(&log);
        let error = if deployment.status == DeploymentStatus::Cancelled {
            failed("cancelled", "Dokploy cancelled the deployment: somebody stopped it, or the server restarted")
                .hint("Deploy again")
                .retryable(true)
        } else {
            failed("deployment-error", &format!("Dokploy could not deploy: {}", line.unwrap_or("its log is empty")))
                .hint(advice(&log).unwrap_or("See the deployment's log"))
        };
        error.log(log::tail(&log, usize::from(log::TAIL)))
    }
}

fn failed(reason: &str, message: &str) -> DeployError {
    DeployError::new(ErrorCode::DeploymentFailed, message).reason(reason)
}

fn lost() -> DeployError {
    failed(
        "lost",
        "Dokploy has forgotten the deployment: it neither waits nor has it begun; the server may have restarted",
    )
    .hint("Deploy again")
    .retryable(true)
}

fn abandoned() -> DeployError {
    failed(
        "lost",
        "Dokploy says that the deployment runs, but nothing of it is in its queue any more; the server may have restarted",
    )
    .hint("Deploy again")
    .retryable(true)
}

fn timed_out(started: bool, deadline: Duration) -> DeployError {
    let where_it_is = if started { "has not ended" } else { "still waits in Dokploy's queue" };
    failed("timeout", &format!("The deployment {where_it_is} after {} s", deadline.as_secs()))
        .hint("Look at Dokploy's deployment queue: it deploys one application at a time")
        .retryable(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(application: &str, title: &str) -> QueueJob {
        let (application_id, title) = (Some(application.to_owned()), Some(title.to_owned()));
        QueueJob { application_id, title, active: false }
    }

    fn deployment(title: &str) -> Deployment {
        Deployment {
            deployment_id: "d".to_owned(),
            title: title.to_owned(),
            description: None,
            status: DeploymentStatus::Running,
            created_at: String::new(),
        }
    }

    #[test]
    fn only_our_own_deployment_counts() {
        let others = [job("app", "other"), job("other", "ours")];
        assert_eq!(find("app", "ours", &others, &[deployment("other")]), Lookup::NotFound);
        assert_eq!(find("app", "ours", &[job("app", "ours")], &[]), Lookup::Queued);
        let started = find("app", "ours", &[job("app", "ours")], &[deployment("ours")]);
        assert_eq!(started, Lookup::Started(deployment("ours")));
    }
}
