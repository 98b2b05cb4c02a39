//! The one error type of the public surface.
//!
//! Every failure has a stable [`ErrorCode`], a message that names the value at fault, and where possible a hint: the
//! command or setting that fixes it. A message never contains a secret.

use std::fmt;

/// What kind of failure it was; stable across versions, so that a caller can narrow on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A field of the request or of its options is wrong or unknown.
    InvalidRequest,
    /// The workspace is wrong; the message lists every fault with its path.
    InvalidWorkspace,
    /// At least one app needs a variable that nothing provides.
    MissingEnv,
    /// A value cannot reach the app byte for byte through Dokploy's `env` text.
    EnvNotRepresentable,
    /// An app could not be sniffed.
    SniffFailed,
    /// Another run of the same stage is under way.
    StateLocked,
    /// The state file cannot be read as a state.
    StateCorrupt,
    /// The state file cannot be read or written.
    StateIo,
    /// The server holds resources of ours whose secrets neither the state nor the server knows.
    StateLost,
    /// A provider the workspace names is not built in, and no hook was given for it.
    ProviderUnsupported,
    /// Dokploy did not answer.
    DokployUnreachable,
    /// Dokploy refused the key: invalid, expired or rate-limited.
    DokployUnauthorized,
    /// The key is valid but may not do a kind of call that the plan needs.
    DokployForbidden,
    /// The server's version or contract is not one we can speak to.
    DokployUnsupported,
    /// Dokploy refused or failed a call.
    DokployRequest,
    /// A resource that is not ours stands where ours should be.
    ResourceNotOurs,
    /// Several resources of the same name exist and none can be chosen.
    ResourceAmbiguous,
    /// The DNS zone of a host name does not exist at its provider.
    DnsZoneNotFound,
    /// A DNS provider refused or failed a call.
    DnsProvider,
    /// A DNS record that we did not write stands in the way, and the request protects it.
    DnsRecordForeign,
    /// The server's address could not be found.
    DnsResolution,
    /// The database could not be reached.
    PostgresUnreachable,
    /// The database refused our password.
    PostgresAuthentication,
    /// The database refused or failed a statement.
    PostgresQuery,
    /// An app role can reach what it must not, or cannot reach what it must.
    IsolationBroken,
    /// The database port could not be opened or closed.
    DatabasePort,
    /// An image could not be built.
    ImageBuild,
    /// An image could not be pushed.
    ImagePush,
    /// An image reference could not be resolved or is refused by its registry.
    ImageRegistry,
    /// What was deployed is not what runs.
    DeploymentFailed,
    /// The world changed between plan and apply.
    PlanStale,
    /// The caller cancelled the run.
    Cancelled,
    /// A hook of the caller failed.
    HookFailed,
    /// Several steps failed; [`DeployError::errors`] has each.
    Multiple,
    /// A defect of this library.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the documentation.
    pub const ALL: &[Self] = &[
        Self::InvalidRequest,
        Self::InvalidWorkspace,
        Self::MissingEnv,
        Self::EnvNotRepresentable,
        Self::SniffFailed,
        Self::StateLocked,
        Self::StateCorrupt,
        Self::StateIo,
        Self::StateLost,
        Self::ProviderUnsupported,
        Self::DokployUnreachable,
        Self::DokployUnauthorized,
        Self::DokployForbidden,
        Self::DokployUnsupported,
        Self::DokployRequest,
        Self::ResourceNotOurs,
        Self::ResourceAmbiguous,
        Self::DnsZoneNotFound,
        Self::DnsProvider,
        Self::DnsRecordForeign,
        Self::DnsResolution,
        Self::PostgresUnreachable,
        Self::PostgresAuthentication,
        Self::PostgresQuery,
        Self::IsolationBroken,
        Self::DatabasePort,
        Self::ImageBuild,
        Self::ImagePush,
        Self::ImageRegistry,
        Self::DeploymentFailed,
        Self::PlanStale,
        Self::Cancelled,
        Self::HookFailed,
        Self::Multiple,
        Self::Internal,
    ];

    /// The code as JavaScript sees it, in `SCREAMING_SNAKE_CASE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::InvalidWorkspace => "INVALID_WORKSPACE",
            Self::MissingEnv => "MISSING_ENV",
            Self::EnvNotRepresentable => "ENV_NOT_REPRESENTABLE",
            Self::SniffFailed => "SNIFF_FAILED",
            Self::StateLocked => "STATE_LOCKED",
            Self::StateCorrupt => "STATE_CORRUPT",
            Self::StateIo => "STATE_IO",
            Self::StateLost => "STATE_LOST",
            Self::ProviderUnsupported => "PROVIDER_UNSUPPORTED",
            Self::DokployUnreachable => "DOKPLOY_UNREACHABLE",
            Self::DokployUnauthorized => "DOKPLOY_UNAUTHORIZED",
            Self::DokployForbidden => "DOKPLOY_FORBIDDEN",
            Self::DokployUnsupported => "DOKPLOY_UNSUPPORTED",
            Self::DokployRequest => "DOKPLOY_REQUEST",
            Self::ResourceNotOurs => "RESOURCE_NOT_OURS",
            Self::ResourceAmbiguous => "RESOURCE_AMBIGUOUS",
            Self::DnsZoneNotFound => "DNS_ZONE_NOT_FOUND",
            Self::DnsProvider => "DNS_PROVIDER",
            Self::DnsRecordForeign => "DNS_RECORD_FOREIGN",
            Self::DnsResolution => "DNS_RESOLUTION",
            Self::PostgresUnreachable => "POSTGRES_UNREACHABLE",
            Self::PostgresAuthentication => "POSTGRES_AUTHENTICATION",
            Self::PostgresQuery => "POSTGRES_QUERY",
            Self::IsolationBroken => "ISOLATION_BROKEN",
            Self::DatabasePort => "DATABASE_PORT",
            Self::ImageBuild => "IMAGE_BUILD",
            Self::ImagePush => "IMAGE_PUSH",
            Self::ImageRegistry => "IMAGE_REGISTRY",
            Self::DeploymentFailed => "DEPLOYMENT_FAILED",
            Self::PlanStale => "PLAN_STALE",
            Self::Cancelled => "CANCELLED",
            Self::HookFailed => "HOOK_FAILED",
            Self::Multiple => "MULTIPLE",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

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

    /// The message, as [`fmt::Display`] prints it.
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
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_screaming() {
        let names: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_')));
    }

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
