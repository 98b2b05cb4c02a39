//! The one error type of the public surface.
//!
//! Every failure has a stable [`ErrorCode`], a message that names the value at fault, and where possible a hint: the
//! command or setting that fixes it. A message never contains a secret.

mod code;
mod format;
mod join;

pub use code::ErrorCode;
pub use format::{CommandStyle, FormatOptions};

use indexmap::IndexMap;
use serde::Deserialize;

/// A failure: what, where, and what to do next.
///
/// It is read from what JavaScript has of it: `{ code, message, app?, hint?, errors?, … }`.
#[derive(Debug, Clone, thiserror::Error, Deserialize)]
#[error("{}", .0.message)]
pub struct DeployError(Box<Details>);

/// The parts of a [`DeployError`].
#[derive(Debug, Clone, Deserialize)]
struct Details {
    code: ErrorCode,
    message: String,
    app: Option<String>,
    stage: Option<String>,
    endpoint: Option<String>,
    resource: Option<String>,
    step: Option<String>,
    reason: Option<String>,
    hint: Option<String>,
    log: Option<String>,
    #[serde(default)]
    missing: IndexMap<String, Vec<String>>,
    #[serde(default)]
    retryable: bool,
    #[serde(default)]
    causes: Vec<String>,
    #[serde(default)]
    errors: Vec<DeployError>,
}

impl AsRef<Self> for DeployError {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl DeployError {
    /// Makes an error of `code` whose message says what happened and names the value at fault.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code,
            message: message.into(),
            app: None,
            stage: None,
            endpoint: None,
            resource: None,
            step: None,
            reason: None,
            hint: None,
            log: None,
            missing: IndexMap::new(),
            retryable: false,
            causes: Vec::new(),
            errors: Vec::new(),
        }))
    }

    /// Makes the error of a run that its caller cancelled.
    pub fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "The run was cancelled")
    }

    /// Makes the error of a plan that the caller's hook did not agree to.
    pub fn declined() -> Self {
        Self::new(ErrorCode::Cancelled, "The plan was not agreed to, and nothing was changed").reason("declined")
    }

    /// Names the app that is concerned.
    #[must_use]
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.0.app = Some(app.into());
        self
    }

    /// Names the stage that is concerned, where none is named yet.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<String>) -> Self {
        self.0.stage.get_or_insert_with(|| stage.into());
        self
    }

    /// Names the server that is concerned: scheme, host and port.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.0.endpoint = Some(endpoint.into());
        self
    }

    /// Names the variables that nothing provides, by app.
    #[must_use]
    pub fn missing(mut self, missing: IndexMap<String, Vec<String>>) -> Self {
        self.0.missing = missing;
        self
    }

    /// Names the resource that is concerned.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.0.resource = Some(resource.into());
        self
    }

    /// Names the step that failed.
    #[must_use]
    pub fn step(mut self, step: impl Into<String>) -> Self {
        self.0.step = Some(step.into());
        self
    }

    /// Tells apart failures of one code, for instance `crash-loop` and `rollback` of [`ErrorCode::DeploymentFailed`].
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Says what to do next: a command or a setting.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Attaches the tail of a log, already redacted.
    #[must_use]
    pub fn log(mut self, log: impl Into<String>) -> Self {
        self.0.log = Some(log.into());
        self
    }

    /// The same, with every text as `redact` leaves it: what others wrote, such as a hook, may quote a secret (I6).
    #[must_use]
    pub(crate) fn redacted(mut self, redact: &dyn Fn(&str) -> String) -> Self {
        let details = &mut self.0;
        details.message = redact(&details.message);
        for text in [&mut details.hint, &mut details.log].into_iter().flatten() {
            *text = redact(text);
        }
        details.causes.iter_mut().for_each(|cause| *cause = redact(cause));
        let errors = std::mem::take(&mut details.errors);
        details.errors = errors.into_iter().map(|error| error.redacted(redact)).collect();
        self
    }

    /// Marks the failure as one that may pass by itself.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Keeps the texts of `error` and of its sources as causes, outermost first.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(current) = next {
            self.0.causes.push(current.to_string());
            next = current.source();
        }
        self
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The message, as [`std::fmt::Display`] prints it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The app that is concerned, if one is.
    pub fn app_name(&self) -> Option<&str> {
        self.0.app.as_deref()
    }

    /// The stage that is concerned, if it is known.
    pub fn stage_name(&self) -> Option<&str> {
        self.0.stage.as_deref()
    }

    /// The server that is concerned, if one is: scheme, host and port.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The variables that nothing provides, by app; empty but for [`ErrorCode::MissingEnv`].
    pub fn missing_variables(&self) -> &IndexMap<String, Vec<String>> {
        &self.0.missing
    }

    /// The resource that is concerned, if one is.
    pub fn resource_name(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The step that failed, if the failure came from one.
    pub fn step_id(&self) -> Option<&str> {
        self.0.step.as_deref()
    }

    /// What tells this failure apart from others of its code.
    pub fn reason_name(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What to do next.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The tail of the log that belongs to the failure.
    pub fn log_tail(&self) -> Option<&str> {
        self.0.log.as_deref()
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The texts of the underlying errors, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// Every failure of the run, when there were several.
    pub fn errors(&self) -> &[Self] {
        &self.0.errors
    }
}
