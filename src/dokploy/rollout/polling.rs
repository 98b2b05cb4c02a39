//! Waiting on the server: how long, how often, and what passes by itself.

use super::progress::Progress;
use crate::dokploy::transport::ApiError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long to wait for a deployment, and how often to look.
#[derive(Debug, Clone)]
pub struct WaitSettings {
    /// How long a deployment may wait in the queue and be under way; default 30 min.
    pub deployment_deadline: Duration,
    /// How long it may take until what was deployed runs and has proven stable; default 5 min.
    pub running_deadline: Duration,
    /// How long what was deployed must run without a change; default 15 s.
    pub stability: Duration,
    /// A deployment that neither waits nor has begun for so long is lost; default 10 s.
    pub lost_after: Duration,
    /// How long something wrong must last before it counts, since Swarm passes through many states; default 2 s.
    pub settled: Duration,
    /// How long a task may find no node, since an update may not have freed a port yet; default 10 s.
    pub unplaceable_after: Duration,
    /// How long the server may be away meanwhile, for instance to restart; default 60 s.
    pub outage: Duration,
    /// The pause after the first look; default 250 ms. It grows by half each time.
    pub first_pause: Duration,
    /// The longest pause between two looks; default 2 s.
    pub longest_pause: Duration,
}

impl Default for WaitSettings {
    fn default() -> Self {
        Self {
            deployment_deadline: Duration::from_mins(30),
            running_deadline: Duration::from_mins(5),
            stability: Duration::from_secs(15),
            lost_after: Duration::from_secs(10),
            settled: Duration::from_secs(2),
            unplaceable_after: Duration::from_secs(10),
            outage: Duration::from_mins(1),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(2),
        }
    }
}

/// Takes the progress of a deployment, once per change.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// One wait: its clock, its pauses, the server's outages, and what was last told.
pub(super) struct Wait<'a> {
    settings: &'a WaitSettings,
    on_progress: OnProgress<'a>,
    deadline: Duration,
    started: Instant,
    answered: Instant,
    pause: Duration,
    told: Option<Progress>,
}

impl<'a> Wait<'a> {
    pub(super) fn begin(settings: &'a WaitSettings, deadline: Duration, on_progress: OnProgress<'a>) -> Self {
        let now = Instant::now();
        let pause = settings.first_pause;
        Self { settings, on_progress, deadline, started: now, answered: now, pause, told: None }
    }

    /// The time since the wait began.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn is_over(&self) -> bool {
        self.elapsed() >= self.deadline
    }

    /// Tells where the deployment is; looks often again after a change.
    pub(super) fn tell(&mut self, progress: Progress) {
        if self.told != Some(progress) {
            self.told = Some(progress);
            self.pause = self.settings.first_pause;
            (self.on_progress)(progress);
        }
    }

    /// Passes an answer on; no answer for a reason that may pass becomes `None`, for as long as an outage may take.
    pub(super) fn answered<T>(&mut self, answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
        match answer {
            Ok(answer) => {
                self.answered = Instant::now();
                Ok(Some(answer))
            }
            Err(error) if error.is_transient() && self.answered.elapsed() < self.settings.outage => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sleeps until the next look, but not beyond the deadline.
    pub(super) async fn pause(&mut self) {
        self.pause_at_most(Duration::MAX).await;
    }

    /// Sleeps until the next look, but no longer than `limit`, when something is to be seen, and not beyond the deadline.
    pub(super) async fn pause_at_most(&mut self, limit: Duration) {
        let left = self.deadline.saturating_sub(self.elapsed());
        sleep(self.pause.min(left).min(limit)).await;
        self.pause = self.pause.mul_f32(1.5).min(self.settings.longest_pause);
    }
}
