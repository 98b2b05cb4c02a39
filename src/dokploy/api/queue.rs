//! The server's deployment queue, read once for everyone who waits in it.

use super::deployment::{DeploymentApi, QueueJob};
use crate::dokploy::transport::ApiError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The queue as it was last read.
///
/// It lists the jobs of every application, so that each of many followers reading it for itself would read a list as
/// long as there are followers.
#[derive(Debug, Default)]
pub(in crate::dokploy) struct SharedQueue(Mutex<Option<(Instant, Arc<[QueueJob]>)>>);

impl SharedQueue {
    /// The queue as it was at most `age` before this was called.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub(in crate::dokploy) async fn read(
        &self,
        api: DeploymentApi<'_>,
        age: Duration,
    ) -> Result<Arc<[QueueJob]>, ApiError> {
        let asked = Instant::now();
        // Held while it is read: whoever comes meanwhile takes what was read, however slow the server is.
        let mut last = self.0.lock().await;
        if let Some((at, jobs)) = last.as_ref()
            && asked.saturating_duration_since(*at) < age
        {
            return Ok(Arc::clone(jobs));
        }
        let at = Instant::now();
        let jobs: Arc<[QueueJob]> = api.queue_list().await?.into();
        *last = Some((at, Arc::clone(&jobs)));
        Ok(jobs)
    }
}
