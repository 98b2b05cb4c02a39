//! What a run tells its caller, without secrets (I6).

use crate::plan::{DeployPlan, Step, render};
use crate::secrets::{Redactor, Secret};
use crate::{DeployEvent, EventSink, Phase};
use std::sync::Arc;

/// Sends the events of a run. Every text passes the redactor first.
#[derive(Clone)]
pub(crate) struct Reporter {
    events: Arc<dyn EventSink>,
    redactor: Arc<Redactor>,
}

impl Reporter {
    /// Sends to `events` what is left after `redactor`.
    pub(crate) fn new(events: Arc<dyn EventSink>, redactor: Arc<Redactor>) -> Self {
        Self { events, redactor }
    }

    /// Where the events go.
    pub(crate) fn sink(&self) -> &dyn EventSink {
        self.events.as_ref()
    }

    /// Makes sure that a value is never shown.
    pub(crate) fn hide(&self, secret: &Secret) {
        self.redactor.add(secret);
    }

    /// A text without the secrets that are known so far.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// A phase of the run began.
    pub(crate) fn phase(&self, phase: Phase) {
        self.events.emit(DeployEvent::PhaseStarted { phase });
    }

    /// The plan of the run is made.
    pub(crate) fn planned(&self, plan: &DeployPlan) {
        self.events.emit(DeployEvent::Planned { changes: plan.changes, text: render(plan) });
    }

    /// What of a lost state was recovered from the server.
    pub(crate) fn recovered(&self, what: &[String]) {
        if !what.is_empty() {
            self.warn("state-recovered", &format!("recovered from the server: {}", what.join(", ")), None);
        }
    }

    /// Something the user should know that does not stop the run.
    pub(crate) fn warn(&self, code: &str, message: &str, app: Option<&str>) {
        let message = self.redact(message);
        self.events.emit(DeployEvent::Warning { code: code.to_owned(), message, app: app.map(str::to_owned) });
    }

    /// Where a step is.
    pub(crate) fn progress(&self, step: &Step, progress: &str) {
        let progress = self.redact(progress);
        self.events.emit(DeployEvent::StepProgress { step: step.id.clone(), progress, app: step.app.clone() });
    }

    /// A line of a log that a step produced.
    pub(crate) fn log(&self, step: &Step, line: &str) {
        let (step, app) = (Some(step.id.clone()), step.app.clone());
        self.events.emit(DeployEvent::Log { step, app, line: self.redact(line) });
    }
}
