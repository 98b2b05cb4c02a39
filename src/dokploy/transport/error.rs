//! How a call can fail, as far as the server's responses tell.

use super::call::{Call, Method};
use crate::{DeployError, ErrorCode};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A failed call. Its text carries no secret: neither the key, nor a value of the request, nor SQL (I6).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} ({call})", .failure)]
pub struct ApiError {
    call: &'static str,
    method: Method,
    endpoint: Arc<str>,
    failure: Box<Failure>,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The plain 401: Dokploy does not say which of the three it is.
    #[error("Dokploy refused the API key: it is invalid, expired or rate-limited")]
    Unauthorized,
    /// The key is valid, but may not do this.
    #[error("Dokploy does not allow this key to do that: {message}")]
    Forbidden {
        /// What the server said.
        message: String,
    },
    /// The server has no such endpoint, or not with this method.
    #[error("this Dokploy has no such endpoint")]
    NoSuchEndpoint,
    /// The server has no such record.
    #[error("{message}")]
    NotFound {
        /// What the server said, for instance `Postgres not found`.
        message: String,
    },
    /// Fields of the request were refused.
    #[error("Dokploy refused the request: {}", list(issues))]
    Validation {
        /// What is wrong, by field.
        issues: Vec<FieldIssue>,
    },
    /// The request was understood and refused.
    #[error("Dokploy refused the request ({status}): {message}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// An existing resource is in the way (409).
    #[error("{message}")]
    Conflict {
        /// What the server said, for instance which container holds a port.
        message: String,
    },
    /// The server failed (5xx).
    #[error("Dokploy failed ({status}): {message}")]
    ServerError {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// The response is not one of Dokploy's API: plain text, or a page of a proxy.
    #[error("the server responded {status} with text instead of JSON: {text}")]
    PlainText {
        /// The HTTP status.
        status: u16,
        /// Its beginning.
        text: String,
    },
    /// The server redirects; none is followed, because a request would lose its body.
    #[error("the server redirects ({status}) to {location}")]
    Redirect {
        /// The HTTP status.
        status: u16,
        /// Where to: scheme, host, port and path.
        location: String,
    },
    /// The response is longer than the limit.
    #[error("the response is longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The request was sent, and no complete response came in time.
    #[error("no response within {} s", .after.as_secs_f32())]
    Timeout {
        /// How long we waited.
        after: Duration,
    },
    /// The connection could not be made, or broke.
    #[error("{reason}")]
    Unreachable {
        /// Whether anything of the request may have reached the server.
        sent: bool,
        /// What happened.
        reason: String,
    },
    /// The response is JSON, but not of the expected shape.
    #[error("the response is not what was expected: {reason}")]
    Malformed {
        /// Which field, and what is wrong with it; never its value.
        reason: String,
    },
}

/// What is wrong with a field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldIssue {
    /// The field, for instance `registryUrl`; empty when the request as a whole is meant.
    pub field: String,
    /// What the server said.
    pub message: String,
}

impl fmt::Display for FieldIssue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return formatter.write_str(&self.message);
        }
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

fn list(issues: &[FieldIssue]) -> String {
    issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl ApiError {
    /// A failure of a call to the server at `endpoint`.
    pub(super) fn new(call: &Call, endpoint: &Arc<str>, failure: Failure) -> Self {
        Self { call: call.name, method: call.method, endpoint: Arc::clone(endpoint), failure: Box::new(failure) }
    }

    /// Why the call failed.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The call, for instance `application.create`.
    pub fn call(&self) -> &'static str {
        self.call
    }

    /// The server's address as it is shown to people: scheme, host and port.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether the record does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(*self.failure, Failure::NotFound { .. })
    }

    /// Whether an existing resource is in the way.
    pub fn is_conflict(&self) -> bool {
        matches!(*self.failure, Failure::Conflict { .. })
    }

    /// Whether a create was refused where something of its name may stand in the way.
    ///
    /// Dokploy answers 409, or hands on its database's refusal with 400, which says no more: look for it.
    pub fn may_be_taken(&self) -> bool {
        matches!(*self.failure, Failure::Conflict { .. } | Failure::Rejected { status: 400, .. })
    }

    /// Whether the key may not make the call, or the server does not have it.
    pub fn is_unavailable(&self) -> bool {
        matches!(*self.failure, Failure::Forbidden { .. } | Failure::NoSuchEndpoint)
    }

    /// Whether this was a change whose outcome is unknown: it may have taken effect, or may do so seconds from now.
    ///
    /// Sending it again could then create something twice: read first.
    pub fn outcome_unknown(&self) -> bool {
        if self.method == Method::Get {
            return false;
        }
        match *self.failure {
            Failure::Timeout { .. }
            | Failure::Unreachable { sent: true, .. }
            | Failure::ServerError { .. }
            | Failure::TooLarge { .. }
            | Failure::Malformed { .. } => true,
            Failure::PlainText { status, .. } => !(300..500).contains(&status),
            _ => false,
        }
    }

    /// Whether the same call may succeed later, with nothing changed.
    pub fn is_transient(&self) -> bool {
        match *self.failure {
            Failure::Timeout { .. } | Failure::Unreachable { .. } => true,
            Failure::ServerError { status, .. } | Failure::PlainText { status, .. } => is_gateway_status(status),
            _ => false,
        }
    }

    /// Whether the call may be retried: reads when the failure is transient, changes only when nothing was sent.
    pub(super) fn is_retryable(&self) -> bool {
        match self.method {
            Method::Get => self.is_transient(),
            Method::Post => matches!(*self.failure, Failure::Unreachable { sent: false, .. }),
        }
    }

    fn code_and_reason(&self) -> (ErrorCode, &'static str) {
        match *self.failure {
            Failure::Unauthorized => (ErrorCode::DokployUnauthorized, "unauthorized"),
            Failure::Forbidden { .. } => (ErrorCode::DokployForbidden, "forbidden"),
            Failure::NoSuchEndpoint => (ErrorCode::DokployUnsupported, "no-such-endpoint"),
            Failure::NotFound { .. } => (ErrorCode::DokployRequest, "not-found"),
            Failure::Validation { .. } => (ErrorCode::DokployRequest, "validation"),
            Failure::Rejected { .. } => (ErrorCode::DokployRequest, "rejected"),
            Failure::Conflict { .. } => (ErrorCode::DokployRequest, "conflict"),
            Failure::ServerError { .. } => (ErrorCode::DokployRequest, "server-error"),
            Failure::PlainText { .. } => (ErrorCode::DokployRequest, "plain-text"),
            Failure::TooLarge { .. } => (ErrorCode::DokployRequest, "too-large"),
            Failure::Malformed { .. } => (ErrorCode::DokployRequest, "malformed-answer"),
            Failure::Redirect { .. } => (ErrorCode::DokployUnreachable, "redirect"),
            Failure::Timeout { .. } => (ErrorCode::DokployUnreachable, "timeout"),
            Failure::Unreachable { .. } => (ErrorCode::DokployUnreachable, "unreachable"),
        }
    }

    /// Whether the failure is about the server or the key as a whole, so that its text has to say which server.
    fn concerns_endpoint(&self) -> bool {
        let (code, _) = self.code_and_reason();
        matches!(code, ErrorCode::DokployUnauthorized | ErrorCode::DokployForbidden | ErrorCode::DokployUnreachable)
            || matches!(*self.failure, Failure::PlainText { .. } | Failure::NoSuchEndpoint)
    }

    fn hint(&self) -> Option<String> {
        let hint = match &*self.failure {
            Failure::Unauthorized => {
                "Make a key in Dokploy under Settings, Profile, API/CLI Keys, with rate limiting off: a rate-limited key \
                 dies after a few requests"
            }
            Failure::Forbidden { .. } => {
                "Use the key of the owner or of an admin of the organization; with waitFor: 'deployed' or 'queued' nobody \
                 looks at containers, which a member's key may not"
            }
            Failure::NoSuchEndpoint => "Update Dokploy; 0.29.5 is the oldest version that has every endpoint we need",
            Failure::PlainText { .. } => {
                "Check that the endpoint is Dokploy's own address, and any proxy in front of it"
            }
            Failure::Redirect { location, .. } => {
                return Some(format!("Set the endpoint to the address that answers without a redirect: {location}"));
            }
            Failure::Timeout { .. } | Failure::Unreachable { .. } => {
                "Check that the endpoint is right, that Dokploy runs and that a firewall lets us reach it"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<ApiError> for DeployError {
    fn from(error: ApiError) -> Self {
        let (code, reason) = error.code_and_reason();
        let unknown = if error.outcome_unknown() { "; whether it took effect is not known" } else { "" };
        let at = if error.concerns_endpoint() { format!(" at {}", error.endpoint) } else { String::new() };
        let made = Self::new(code, format!("Dokploy{at}, {}: {}{unknown}", error.call, error.failure))
            .endpoint(&*error.endpoint)
            .resource(error.call)
            .reason(reason)
            .retryable(error.is_transient());
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

/// The statuses with which a proxy, or Cloudflare (52x), says that Dokploy is not there for the moment.
fn is_gateway_status(status: u16) -> bool {
    matches!(status, 502..=504 | 520..=524)
}
