//! Polling the server: how long, how often, and which outages are tolerated.

use super::progress::Progress;
use crate::dokploy::transport::ApiError;
use derive_setters::Setters;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long to wait for a deployment and its rollout, and how often to poll.
#[derive(Debug, Clone, Setters)]
#[non_exhaustive]
pub struct WaitSettings {
    /// How long a deployment may wait in the queue and be under way; default 30 min.
    pub deployment_deadline: Duration,
    /// How long the rollout may take, its stability window included; default 5 min.
    pub running_deadline: Duration,
    /// How long what was deployed must run without a change; default 15 s.
    pub stability: Duration,
    /// How long after its start an app may take to accept connections, unless it says itself how long; default 2 min.
    pub answer_deadline: Duration,
    /// A deployment that neither waits nor is worked on for so long is lost; default 10 s.
    pub lost_after: Duration,
    /// How long a failure must last before it counts, since Swarm passes through many states; default 2 s.
    pub settled: Duration,
    /// How long a task may find no node, since an update may not have freed a port yet; default 10 s.
    pub unplaceable_after: Duration,
    /// How long the server may be unreachable meanwhile, for instance because it restarts; default 60 s.
    pub outage: Duration,
    /// The pause after the first poll; default 250 ms. It grows by half each time.
    pub first_pause: Duration,
    /// The longest pause between two polls; default 2 s.
    pub longest_pause: Duration,
}

impl Default for WaitSettings {
    fn default() -> Self {
        Self {
            deployment_deadline: Duration::from_mins(30),
            running_deadline: Duration::from_mins(5),
            stability: Duration::from_secs(15),
            answer_deadline: Duration::from_mins(2),
            lost_after: Duration::from_secs(10),
            settled: Duration::from_secs(2),
            unplaceable_after: Duration::from_secs(10),
            outage: Duration::from_mins(1),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(2),
        }
    }
}

impl WaitSettings {
    /// How old the queue may be that says whether a deployment is still worked on: a quarter of [`Self::lost_after`].
    pub(super) fn queue_age(&self) -> Duration {
        self.lost_after / 4
    }
}

/// Receives the progress of a deployment, once per change.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Polls until a deadline: keeps the time, the pauses, the server's outages and the progress last reported.
pub(super) struct Polling<'a> {
    settings: &'a WaitSettings,
    on_progress: OnProgress<'a>,
    deadline: Duration,
    started: Instant,
    last_response: Instant,
    pause: Duration,
    reported: Option<Progress>,
}

impl<'a> Polling<'a> {
    pub(super) fn start(settings: &'a WaitSettings, deadline: Duration, on_progress: OnProgress<'a>) -> Self {
        let now = Instant::now();
        let pause = settings.first_pause;
        Self { settings, on_progress, deadline, started: now, last_response: now, pause, reported: None }
    }

    /// The time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether the deadline has passed.
    pub(super) fn is_past_deadline(&self) -> bool {
        self.elapsed() >= self.deadline
    }

    /// Reports progress that is new, and polls often again after it.
    pub(super) fn report(&mut self, progress: Progress) {
        if self.reported != Some(progress) {
            self.reported = Some(progress);
            self.pause = self.settings.first_pause;
            (self.on_progress)(progress);
        }
    }

    /// Passes a response on. A transient failure becomes `None`, for as long as an outage is tolerated.
    pub(super) fn tolerate_outage<T>(&mut self, response: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
        match response {
            Ok(response) => {
                self.last_response = Instant::now();
                Ok(Some(response))
            }
            Err(error) if error.is_transient() && self.last_response.elapsed() < self.settings.outage => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sleeps until the next poll, but not beyond the deadline.
    pub(super) async fn pause(&mut self) {
        self.pause_at_most(Duration::MAX).await;
    }

    /// Sleeps until the next poll, but no longer than `limit` and not beyond the deadline.
    pub(super) async fn pause_at_most(&mut self, limit: Duration) {
        let left = self.deadline.saturating_sub(self.elapsed());
        sleep(self.pause.min(left).min(limit)).await;
        self.pause = self.pause.mul_f32(1.5).min(self.settings.longest_pause);
    }
}
