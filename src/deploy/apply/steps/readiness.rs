//! Whether an app that runs answers: what depends on it waits for that, and it counts as running only then.

use super::delivery::{Delivery, Parts};
use crate::deploy::apply::graph::Serves;
use crate::deploy::apply::port_check::{Answer, Endpoint, PortChecks, ProbeImage, TimeFrame};
use crate::deploy::changes::StepContext;
use crate::workspace::Health;
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How many lines of an app's log get into an error.
const LOG_LINES: u16 = 50;

/// How it is found out that an app answers.
pub(crate) struct Readiness<'a> {
    pub(super) checks: &'a PortChecks,
    /// Tells the scheduler.
    pub(super) serves: Serves,
    /// The images in which something may connect, beside the app's own.
    pub(super) images: Vec<ProbeImage>,
}

/// The check of one deployment.
pub(super) struct ReadinessCheck<'a> {
    cx: &'a StepContext<'a>,
    readiness: &'a Readiness<'a>,
    app: &'a str,
    application_id: &'a str,
    environment: &'a str,
    endpoint: Endpoint,
    images: Vec<ProbeImage>,
    /// How long it may take from the moment that the app runs; `None`: its port is not tried.
    limit: Option<Duration>,
}

impl<'a> ReadinessCheck<'a> {
    pub(super) fn new(
        cx: &'a StepContext<'a>,
        readiness: &'a Readiness<'a>,
        delivery: &'a Delivery<'a>,
        parts: &'a Parts,
        environment: &'a str,
    ) -> Self {
        let desired = delivery.desired;
        let own = ProbeImage { image: parts.image.clone(), registry: desired.registry.clone(), control: None };
        let limit = match &desired.health {
            Health::Port { grace_seconds } => {
                let grace = grace_seconds.map(|seconds| Duration::from_secs(seconds.into()));
                Some(grace.unwrap_or(cx.surroundings.wait.answer_deadline))
            }
            Health::Check(_) | Health::Unchecked => None,
        };
        Self {
            cx,
            readiness,
            app: &desired.name,
            application_id: &parts.application.id,
            environment,
            endpoint: Endpoint { host: parts.application.app_name.clone(), port: desired.port },
            images: readiness.images.iter().cloned().chain([own]).collect(),
            limit,
        }
    }

    /// Makes sure that the port is tried by the time that the app runs.
    pub(super) async fn start(&self) {
        if self.limit.is_some() {
            self.readiness.checks.start(*self.cx, self.environment, &self.endpoint, &self.images).await;
        }
    }

    /// Waits until the app runs and answers, and lets go on what depends on it. `replaces`: whether something ran before,
    /// which may answer as well.
    ///
    /// # Errors
    ///
    /// `DEPLOYMENT_FAILED` with the reason `not-answering`.
    pub(super) async fn first_answer(
        &self,
        mut runs: watch::Receiver<bool>,
        replaces: bool,
    ) -> Result<(), DeployError> {
        if runs.wait_for(|runs| *runs).await.is_err() {
            // It is not followed any more.
            return Ok(());
        }
        // Where nobody can say whether it answers, what depends on it waits for its stability window.
        if self.answer(replaces.then(Instant::now), true).await? {
            self.readiness.serves.tell();
        }
        Ok(())
    }

    /// Requires an answer from after a moment since which nothing else runs.
    ///
    /// # Errors
    ///
    /// As [`Self::first_answer`].
    pub(super) async fn answers_since(&self, since: Instant) -> Result<(), DeployError> {
        self.answer(Some(since), false).await.map(drop)
    }

    /// Whether it is known to answer, or need not.
    async fn answer(&self, after: Option<Instant>, first: bool) -> Result<bool, DeployError> {
        let Some(limit) = self.limit else { return Ok(true) };
        // An app that has answered once has all the time that a probe may take to notice the next answer.
        let limit = if first { limit } else { limit.max(self.cx.surroundings.wait.answer_deadline) };
        if first {
            self.cx.progress(format!("waiting until port {} accepts connections", self.endpoint.port));
        }
        let time = TimeFrame { after, deadline: Instant::now() + limit };
        let checks = self.readiness.checks;
        match checks.answer(*self.cx, self.environment, &self.endpoint, &self.images, time).await {
            Answer::Accepted => Ok(true),
            Answer::Silent => Err(self.not_answering(limit).await),
            Answer::Unknown(why) => {
                if first {
                    let message = format!("Whether {} answers is not known: {why}", self.app);
                    self.cx.reporter.warn("answer-unchecked", &message, Some(self.app));
                }
                Ok(false)
            }
        }
    }

    async fn not_answering(&self, limit: Duration) -> DeployError {
        let port = self.endpoint.port;
        let message =
            format!("{} runs, but accepts no connections at port {port} after {} s", self.app, limit.as_secs());
        let error = DeployError::new(ErrorCode::DeploymentFailed, message).reason("not-answering").hint(format!(
            "Let it listen at 0.0.0.0:{port}, not only at localhost; set `health.graceSeconds` when it takes longer, or \
             `health: false` when it does not listen at all"
        ));
        // The failure itself matters more than a log that cannot be read.
        let log = self.cx.client.read_log(self.application_id, LOG_LINES).await.unwrap_or_default();
        if log.trim().is_empty() { error } else { error.log(log) }
    }
}
