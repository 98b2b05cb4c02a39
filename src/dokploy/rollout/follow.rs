//! Following one deployment through the queue to its end, by its unique title.

use super::log;
use super::polling::{OnProgress, Wait, WaitSettings};
use super::progress::Progress;
use crate::dokploy::api::{Deployment, DeploymentStatus, QueueJob};
use crate::dokploy::client::Dokploy;
use crate::dokploy::transport::ApiError;
use crate::{DeployError, ErrorCode};
use std::sync::Arc;
use std::time::Duration;

/// Where a deployment stands in the server's two lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It waits, or the worker has just taken it up.
    Queued,
    /// It has begun; its status says how far it is.
    Begun(Deployment),
    /// It is in neither list.
    Nowhere,
}

/// Finds the deployment `title` of an application in the lists.
///
/// A job that leaves the queue while both are read may be in neither: only one that stays away is lost.
pub fn locate(application_id: &str, title: &str, queue: &[QueueJob], deployments: &[Deployment]) -> Place {
    if let Some(deployment) = deployments.iter().find(|deployment| deployment.title == title) {
        return Place::Begun(deployment.clone());
    }
    if queue.iter().any(|job| job.is(application_id, title)) { Place::Queued } else { Place::Nowhere }
}

impl QueueJob {
    fn is(&self, application_id: &str, title: &str) -> bool {
        self.application_id.as_deref() == Some(application_id) && self.title.as_deref() == Some(title)
    }
}

/// Where a deployment was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Queued,
    Begun,
}

impl Dokploy {
    /// Waits until the deployment `title` of an application is done: its image pulled, its service changed.
    ///
    /// That does not mean that it runs: [`Dokploy::prove_running`] finds out. Only reads; may be dropped at any time.
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
        let mut wait = Wait::begin(settings, settings.deployment_deadline, on_progress);
        let mut last = Last::Nothing;
        let mut seen = Duration::ZERO;
        loop {
            let place = self.place(application_id, title, last, settings.first_pause).await;
            match wait.answered(place)? {
                Some(Place::Begun(deployment)) => {
                    last = Last::Begun;
                    seen = wait.elapsed();
                    match deployment.status {
                        DeploymentStatus::Done => return Ok(deployment),
                        DeploymentStatus::Error | DeploymentStatus::Cancelled => {
                            return Err(self.deployment_failure(&deployment).await);
                        }
                        DeploymentStatus::Running | DeploymentStatus::Unknown => wait.tell(Progress::Pulling),
                    }
                }
                Some(Place::Queued) => {
                    last = Last::Queued;
                    seen = wait.elapsed();
                    wait.tell(Progress::Queued);
                }
                Some(Place::Nowhere) if wait.elapsed().saturating_sub(seen) >= settings.lost_after => {
                    return Err(lost());
                }
                Some(Place::Nowhere) => {}
                // The server was away, and says nothing of the time meanwhile.
                None => seen = wait.elapsed(),
            }
            if wait.is_over() {
                return Err(too_late(last == Last::Begun, settings.deployment_deadline));
            }
            wait.pause().await;
        }
    }

    /// Finds a deployment, asking no more than what was last seen of it makes necessary. `age`: of the queue that is shared.
    async fn place(&self, application_id: &str, title: &str, last: Last, age: Duration) -> Result<Place, ApiError> {
        let api = self.deployment();
        let queue: Arc<[QueueJob]> = match last {
            Last::Begun => Arc::new([]),
            Last::Queued => self.queue.read(api, age).await?,
            Last::Nothing => {
                let (queue, deployments) = futures_util::try_join!(self.queue.read(api, age), api.all(application_id))?;
                return Ok(locate(application_id, title, &queue, &deployments));
            }
        };
        // While it waits, the application's own list says nothing of it.
        if queue.iter().any(|job| !job.active && job.is(application_id, title)) {
            return Ok(Place::Queued);
        }
        Ok(locate(application_id, title, &queue, &api.all(application_id).await?))
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
                .hint(hint(&log))
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

fn too_late(begun: bool, deadline: Duration) -> DeployError {
    let where_it_is = if begun { "has not ended" } else { "still waits in Dokploy's queue" };
    failed("timeout", &format!("The deployment {where_it_is} after {} s", deadline.as_secs()))
        .hint("Look at Dokploy's deployment queue: it deploys one application at a time")
        .retryable(true)
}

fn hint(log: &str) -> &'static str {
    let log = log.to_lowercase();
    if log.contains("login failed") || log.contains("unauthorized") || log.contains("denied") {
        return "Check credentials.registry: the server could not log in to the registry with them";
    }
    if log.contains("manifest unknown") || log.contains("not found") {
        return "Check the image's name and tag: its registry does not have it";
    }
    if log.contains("environment variable:") {
        return "A value refers to a shared variable of Dokploy that does not exist: ${{…}} is never taken as it is";
    }
    "See the deployment's log"
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
        assert_eq!(locate("app", "ours", &others, &[deployment("other")]), Place::Nowhere);
        assert_eq!(locate("app", "ours", &[job("app", "ours")], &[]), Place::Queued);
        let begun = locate("app", "ours", &[job("app", "ours")], &[deployment("ours")]);
        assert_eq!(begun, Place::Begun(deployment("ours")));
    }

    #[test]
    fn a_log_leads_to_what_to_do() {
        assert!(hint("❌ Login failed").contains("credentials.registry"));
        assert!(hint("manifest unknown: manifest unknown").contains("tag"));
        assert!(hint("Invalid project environment variable: project.X").contains("${{"));
    }
}
