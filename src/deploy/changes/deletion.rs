//! Deleting an application: never beside a deployment of it, which would bring up its service all the same and leave it
//! behind, belonging to nothing. A deployment that only waits in the queue goes with its application.

use super::create_once::remove;
use crate::dokploy::{ApiError, DeploymentStatus, Dokploy};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How soon a deployment that is under way is looked at again; twice as late each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How late that is at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Waits until no deployment of an application is under way; says whether that came within `limit`.
///
/// An application that is gone is idle, and so is one of which the server does not answer: its deletion will tell.
pub(crate) async fn becomes_idle(client: &Dokploy, application_id: &str, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    loop {
        let deployments = client.deployment().all(application_id).await;
        let under_way = |status: DeploymentStatus| status == DeploymentStatus::Running;
        if deployments.map_or(true, |all| all.iter().all(|deployment| !under_way(deployment.status))) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Deletes an application; that it is gone already is success.
///
/// # Errors
///
/// What the last attempt failed with.
pub(crate) async fn delete_application(client: &Dokploy, application_id: &str) -> Result<(), ApiError> {
    remove(client, || async { client.application().delete(application_id).await }).await
}
