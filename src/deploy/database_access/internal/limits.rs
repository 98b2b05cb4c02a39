//! How long the way from inside is waited for, and why it failed.

use crate::deploy::request::Surroundings;
use crate::dokploy::WaitSettings;
use std::sync::OnceLock;
use std::time::Duration;

/// How long the way from inside is waited for.
#[derive(Debug, Clone)]
pub(in crate::deploy::database_access) struct InternalLimits {
    /// For the deployment: the queue, and the image.
    pub(super) deployment: WaitSettings,
    /// For `psql` to reach the database, once it is deployed: a new one initialises its volume first. What the script
    /// takes from then on is limited as over the port.
    pub(super) answer: Duration,
}

impl InternalLimits {
    /// Those of a run. With another way left, half the time is enough.
    pub(in crate::deploy::database_access) fn of(surroundings: &Surroundings, falls_back: bool) -> Self {
        let share = if falls_back { 2 } else { 1 };
        let mut deployment = surroundings.wait.clone();
        deployment.deployment_deadline /= share;
        Self { deployment, answer: surroundings.answer_deadline / share }
    }
}

/// Why this way did not lead to the database, where the database itself refused nothing.
#[derive(Debug, Clone)]
pub(in crate::deploy::database_access) struct WayFailure {
    /// What went wrong.
    pub(in crate::deploy::database_access) message: String,
    /// Whether the image is to blame, so that it would be so again.
    pub(in crate::deploy::database_access) no_psql: bool,
}

/// What was learned of the way by going it.
#[derive(Debug)]
pub(in crate::deploy::database_access) struct WayRecord {
    image: String,
    failure: OnceLock<WayFailure>,
}

impl WayRecord {
    /// Of a database that runs `image`.
    pub(super) const fn new(image: String) -> Self {
        Self { image, failure: OnceLock::new() }
    }

    /// Takes down the first failure: nothing is tried after it.
    pub(super) fn failed(&self, failure: WayFailure) {
        let _ = self.failure.set(failure);
    }

    /// The database's image, as the server stores it.
    pub(in crate::deploy::database_access) fn image(&self) -> &str {
        &self.image
    }

    /// Why the last script did not reach the database; none when it did, or when that says nothing of the way.
    pub(in crate::deploy::database_access) fn failure(&self) -> Option<&WayFailure> {
        self.failure.get()
    }
}
