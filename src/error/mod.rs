//! The one error type of the public surface.
//!
//! Every failure has a stable [`ErrorCode`], a message that names the value at fault, and where possible a hint: the
//! command or setting that fixes it. A message never contains a secret.

mod code;

pub use code::ErrorCode;

/// A failure: what, where, and what to do next.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub struct DeployError(Box<Details>);

/// The parts of a [`DeployError`].
#[derive(Debug, Clone)]
struct Details {
    code: ErrorCode,
    message: String,
    app: Option<String>,
    resource: Option<String>,
    step: Option<String>,
    reason: Option<String>,
    hint: Option<String>,
    log: Option<String>,
    retryable: bool,
    causes: Vec<String>,
    errors: Vec<DeployError>,
}

impl DeployError {
    /// Makes an error of `code` whose message says what happened and names the value at fault.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code,
            message: message.into(),
            app: None,
            resource: None,
            step: None,
            reason: None,
            hint: None,
            log: None,
            retryable: false,
            causes: Vec::new(),
            errors: Vec::new(),
        }))
    }

    /// Makes the error of a run that its caller cancelled.
    pub fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "The run was cancelled")
    }

    /// Joins the failures of one run: the single one as it is, several under [`ErrorCode::Multiple`].
    ///
    /// The list must not be empty; an empty one becomes an [`ErrorCode::Internal`] error.
    pub fn join(mut errors: Vec<Self>) -> Self {
        if errors.len() == 1
            && let Some(only) = errors.pop()
        {
            return only;
        }
        if errors.is_empty() {
            return Self::new(ErrorCode::Internal, "A failed run named no failure");
        }
        let lines: Vec<String> = errors.iter().map(|error| format!("- {error}")).collect();
        let message = format!("{} steps failed:\n{}", errors.len(), lines.join("\n"));
        let mut joined = Self::new(ErrorCode::Multiple, message);
        joined.0.errors = errors;
        joined
    }

    /// Names the app that is concerned.
    #[must_use]
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.0.app = Some(app.into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_stays_itself_and_several_are_listed() {
        let first = DeployError::new(ErrorCode::ImageBuild, "a").app("api");
        assert_eq!(DeployError::join(vec![first.clone()]).code(), ErrorCode::ImageBuild);
        let joined = DeployError::join(vec![first, DeployError::new(ErrorCode::ImagePush, "b")]);
        assert_eq!(joined.code(), ErrorCode::Multiple);
        assert_eq!(joined.errors().len(), 2);
        assert!(joined.message().contains("- a\n- b"));
    }
}
