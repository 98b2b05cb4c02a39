//! What a run tells its caller while it happens.

use serde::Serialize;
use std::sync::Arc;

/// Something that happened in a run. Carries no secret values (I6).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum DeployEvent {
    /// A phase of the run began: `sniff`, `resolve`, `observe`, `plan`, `apply` or `verify`.
    PhaseStarted {
        /// The phase.
        phase: Phase,
    },
    /// An app was sniffed.
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
    Planned {
        /// How many steps change something.
        changes: usize,
        /// The plan as text for people.
        text: String,
    },
    /// A step began.
    StepStarted {
        /// The step's id.
        step: String,
        /// What it does, in words.
        title: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
    },
    /// A step is under way and moved on, for instance to `queued`, `pulling`, `starting`, `running`.
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
    StepFinished {
        /// The step's id.
        step: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A step was not run, because it had nothing to do or because one it depends on failed.
    StepSkipped {
        /// The step's id.
        step: String,
        /// The app it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        /// Why.
        reason: String,
    },
    /// A step failed.
    StepFailed {
        /// The step's id.
        step: String,
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
    WaitingForLock {
        /// Which run, in words: process, machine, since when.
        message: String,
    },
    /// Something the user should know that does not stop the run.
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

/// A phase of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
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
