//! What a run tells its caller, without secrets (I6).

use crate::plan::{DeployPlan, Step};
use crate::secrets::{Redactor, Secret};
use crate::{DeployEvent, EventSink, Phase, trace};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::Span;

/// Sends the events of a run. Every text passes the redactor first.
#[derive(Clone)]
pub(crate) struct Reporter {
    events: Arc<dyn EventSink>,
    redactor: Arc<Redactor>,
    draft: Arc<Mutex<DraftEvents>>,
    /// The span of the phase that the run is in.
    phase: Arc<Mutex<Option<Span>>>,
}

/// What was told while a draft was made: one that is made again tells only what is new.
#[derive(Default)]
struct DraftEvents {
    told: Vec<DeployEvent>,
    again: bool,
}

impl Reporter {
    /// Sends to `events` what is left after `redactor`.
    pub(crate) fn new(events: Arc<dyn EventSink>, redactor: Arc<Redactor>) -> Self {
        let known = Arc::clone(&redactor);
        let redacted = move |mut event: DeployEvent| {
            // What a hook says of its failure, or a program, has not passed the redactor yet.
            if let DeployEvent::StepFailed { message, .. } = &mut event {
                *message = known.redact(message);
            }
            events.emit(event);
        };
        Self { events: Arc::new(redacted), redactor, draft: Arc::default(), phase: Arc::default() }
    }

    /// The draft is made again: from now on only what is new is told of it.
    pub(crate) fn draft_again(&self) {
        self.drafted().again = true;
    }

    fn drafted(&self) -> MutexGuard<'_, DraftEvents> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells something of a draft.
    fn tell(&self, event: DeployEvent) {
        {
            let mut drafted = self.drafted();
            if drafted.again && drafted.told.contains(&event) {
                return;
            }
            drafted.told.push(event.clone());
        }
        self.events.emit(event);
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
        let mut current = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        // The phase before ends first.
        *current = None;
        *current = Some(trace::phase(phase.as_str()));
        drop(current);
        self.tell(DeployEvent::PhaseStarted { phase });
    }

    /// The plan of the run is made.
    pub(crate) fn planned(&self, plan: &DeployPlan) {
        self.tell(DeployEvent::planned(plan));
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
        self.tell(DeployEvent::Warning { code: code.to_owned(), message, app: app.map(str::to_owned) });
    }

    /// Another run of the stage is waited for.
    pub(crate) fn waiting(&self, message: &str) {
        self.events.emit(DeployEvent::WaitingForLock { message: self.redact(message) });
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
