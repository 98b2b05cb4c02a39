//! What a run tells its caller while it happens.

use crate::DeployError;
use crate::plan::{Action, DeployPlan, Operation, Step, render};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Something that happened in a run. Carries no secret values (I6).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum DeployEvent {
    /// A phase of the run began: `sniff`, `resolve`, `observe`, `plan`, `apply` or `verify`.
    #[non_exhaustive]
    PhaseStarted {
        /// The phase.
        phase: Phase,
    },
    /// An app was sniffed.
    #[non_exhaustive]
    AppSniffed {
        /// The app.
        app: String,
        /// The names it needs.
        required: Vec<String>,
        /// The names it can do without.
        optional: Vec<String>,
        /// Whether the answer came from the cache.
        cached: bool,
    },
    /// The plan of the run is made.
    #[non_exhaustive]
    Planned {
        /// How many steps change something.
        changes: usize,
        /// The plan as text for people.
        text: String,
        /// The plan itself.
        plan: Box<DeployPlan>,
    },
    /// A step began.
    #[non_exhaustive]
    StepStarted {
        /// The step's id.
        step: String,
        /// What it does to its resource.
        action: Action,
        /// Its resource, for instance `application auth`.
        resource: String,
        /// Why.
        reason: String,
        /// What it is doing, in words: `Creating application auth`.
        title: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
    },
    /// A step is under way and moved on, for instance to `queued`, `pulling`, `starting`, `running`.
    #[non_exhaustive]
    StepProgress {
        /// The step's id.
        step: String,
        /// Where it is.
        progress: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
    },
    /// A step ended well.
    #[non_exhaustive]
    StepFinished {
        /// The step's id.
        step: String,
        /// What it does to its resource.
        action: Action,
        /// Its resource.
        resource: String,
        /// What it has done, in words: `Created application auth`.
        title: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A step was not run, because it had nothing to do or because one it depends on failed.
    #[non_exhaustive]
    StepSkipped {
        /// The step's id.
        step: String,
        /// What it does to its resource.
        action: Action,
        /// Its resource.
        resource: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        /// Why.
        reason: String,
    },
    /// A step failed.
    #[non_exhaustive]
    StepFailed {
        /// The step's id.
        step: String,
        /// What it does to its resource.
        action: Action,
        /// Its resource.
        resource: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        /// The error's stable code.
        code: String,
        /// The error's message.
        message: String,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A line of a log: of an image build, a push, a deployment or a container.
    #[non_exhaustive]
    Log {
        /// The step it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        /// The line, redacted, without its newline.
        line: String,
    },
    /// Another run of the stage is under way, and this one waits for it to end.
    #[non_exhaustive]
    WaitingForLock {
        /// Which run, in words: process, machine, since when.
        message: String,
    },
    /// Something the user should know that does not stop the run.
    #[non_exhaustive]
    Warning {
        /// What it is about, as a stable name.
        code: String,
        /// What it is about, in words.
        message: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
    },
}

impl DeployEvent {
    /// The plan of a run is made.
    pub(crate) fn planned(plan: &DeployPlan) -> Self {
        Self::Planned { changes: plan.changes, text: render(plan), plan: Box::new(plan.clone()) }
    }

    /// A step began.
    pub(crate) fn step_started(step: &Step, operation: &Operation) -> Self {
        Self::StepStarted {
            step: step.id.clone(),
            action: step.action,
            resource: step.resource.clone(),
            reason: step.reason.clone(),
            title: step.wording(operation).doing,
            app: step.app.clone(),
        }
    }

    /// A step ended well.
    pub(crate) fn step_finished(step: &Step, operation: &Operation, took: Duration) -> Self {
        Self::StepFinished {
            step: step.id.clone(),
            action: step.action,
            resource: step.resource.clone(),
            title: step.wording(operation).done,
            app: step.app.clone(),
            duration_ms: millis(took),
        }
    }

    /// A step was not run, or had nothing to do.
    pub(crate) fn step_skipped(step: &Step, reason: &str) -> Self {
        Self::StepSkipped {
            step: step.id.clone(),
            action: step.action,
            resource: step.resource.clone(),
            app: step.app.clone(),
            reason: reason.to_owned(),
        }
    }

    /// A step failed.
    pub(crate) fn step_failed(step: &Step, error: &DeployError, took: Duration) -> Self {
        Self::StepFailed {
            step: step.id.clone(),
            action: step.action,
            resource: step.resource.clone(),
            app: step.app.clone(),
            code: error.code().as_str().to_owned(),
            message: error.message().to_owned(),
            duration_ms: millis(took),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A phase of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Finding out which variables each app needs.
    Sniff,
    /// Finding out where each value comes from.
    Resolve,
    /// Reading the server, the DNS zones and the state.
    Observe,
    /// Working out the steps.
    Plan,
    /// Carrying them out.
    Apply,
}

impl Phase {
    /// The name in an event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sniff => "sniff",
            Self::Resolve => "resolve",
            Self::Observe => "observe",
            Self::Plan => "plan",
            Self::Apply => "apply",
        }
    }
}

/// Takes the events of a run.
pub trait EventSink: Send + Sync {
    /// Takes one event; must not block.
    fn emit(&self, event: DeployEvent);
}

impl<F: Fn(DeployEvent) + Send + Sync> EventSink for F {
    fn emit(&self, event: DeployEvent) {
        self(event);
    }
}

/// A sink that drops every event.
pub fn silent() -> Arc<dyn EventSink> {
    Arc::new(|_: DeployEvent| {})
}
