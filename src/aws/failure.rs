//! Why a call to AWS failed.

use super::service::Service;
use crate::{DeployError, ErrorCode};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// How much of AWS's own words an error quotes, in characters.
const LONGEST_QUOTE: usize = 300;

/// The codes of a request that came too soon.
const THROTTLED: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
];

/// The codes of credentials that are wrong or may not do this.
const REFUSED: [&str; 11] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "AuthFailure",
    "OptInRequired",
    "MissingAuthenticationToken",
];

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There are no credentials, or the service refuses them.
    Credentials,
    /// Too many requests, for as long as we tried.
    Throttled,
    /// The service did not answer, or failed.
    Unavailable,
    /// The service refuses what was asked for.
    Refused,
}

/// A failure of a call to AWS.
#[derive(Debug, Clone)]
pub(crate) struct AwsError {
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) kind: Kind,
    /// Whether anything of the request may have taken effect.
    pub(crate) uncertain: bool,
    pub(crate) status: Option<StatusCode>,
    /// AWS's code, for instance `ParameterNotFound`; empty where it gave none.
    pub(crate) code: String,
    /// What happened, without secrets.
    pub(crate) message: String,
}

impl AwsError {
    /// The failure of a request that was not sent, or not answered.
    pub(super) fn unsent(service: Service, operation: &'static str, kind: Kind, message: String) -> Self {
        let uncertain = kind == Kind::Unavailable;
        Self { service, operation, kind, uncertain, status: None, code: String::new(), message }
    }

    /// The failure of an answer that makes no sense. The parser's own message may quote a secret, and is left out.
    pub(crate) fn malformed(service: Service, operation: &'static str) -> Self {
        let message = "its answer has another form than it should".to_owned();
        Self::unsent(service, operation, Kind::Unavailable, message)
    }

    /// The failure of a request that was answered with an error.
    pub(super) fn answered(service: Service, operation: &'static str, status: StatusCode, body: &[u8]) -> Self {
        let (code, words) = read_error(body);
        let throttled = status == StatusCode::TOO_MANY_REQUESTS || THROTTLED.contains(&code.as_str());
        let refused = status == StatusCode::UNAUTHORIZED || REFUSED.contains(&code.as_str());
        let kind = match status {
            _ if throttled => Kind::Throttled,
            _ if refused || (status == StatusCode::FORBIDDEN && code.is_empty()) => Kind::Credentials,
            status if status.is_server_error() => Kind::Unavailable,
            _ => Kind::Refused,
        };
        Self {
            service,
            operation,
            kind,
            uncertain: kind == Kind::Unavailable,
            status: Some(status),
            code,
            message: words,
        }
    }

    /// Whether it is of this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Whether the status says that there is none.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == Some(StatusCode::NOT_FOUND)
    }

    /// The error that a caller sees.
    pub(crate) fn into_deploy_error(self, code: ErrorCode) -> DeployError {
        let reason = match self.kind {
            Kind::Credentials => "unauthorized",
            Kind::Throttled => "rate-limit",
            Kind::Unavailable => "unreachable",
            Kind::Refused => "refused",
        };
        let hint = match (self.kind, self.code.as_str()) {
            (_, "RequestTimeTooSkewed" | "SignatureDoesNotMatch") => {
                "Check the machine's clock, and the secret access key".to_owned()
            }
            (Kind::Credentials, _) if self.status.is_none() => {
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a `profile`, or pass `credentials.aws`"
                    .to_owned()
            }
            (Kind::Credentials, _) => format!("Allow {} to these credentials, or use others", self.operation),
            (Kind::Throttled | Kind::Unavailable, _) => "Try again later".to_owned(),
            (Kind::Refused, _) => return self.deploy_error(code).reason(reason),
        };
        let passes = matches!(self.kind, Kind::Throttled | Kind::Unavailable);
        self.deploy_error(code).reason(reason).retryable(passes).hint(hint)
    }

    fn deploy_error(self, code: ErrorCode) -> DeployError {
        DeployError::new(code, self.to_string()).resource(self.service.title())
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} failed at {}", self.service.title(), self.operation)?;
        let status = self.status.map(|status| status.as_u16().to_string());
        let code = Some(&self.code).filter(|code| !code.is_empty());
        let facts: Vec<&str> = status.iter().chain(code).map(String::as_str).collect();
        if !facts.is_empty() {
            write!(formatter, " ({})", facts.join(", "))?;
        }
        let words = self.message.trim();
        if words.is_empty() { Ok(()) } else { write!(formatter, ": {words}") }
    }
}

/// The code and the words of an error's body: JSON, or XML in one of two forms.
fn read_error(body: &[u8]) -> (String, String) {
    let cut = |words: &str| words.chars().filter(|c| !c.is_control()).take(LONGEST_QUOTE).collect::<String>();
    if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        // `com.amazonaws.ssm#ParameterNotFound` in some protocols.
        let code = text("__type").rsplit(['#', ':']).next().unwrap_or_default();
        let words = if text("message").is_empty() { text("Message") } else { text("message") };
        return (cut(code), cut(words));
    }
    let text = String::from_utf8_lossy(body);
    // Of S3 the document is the error, of the others it holds it.
    let nested = quick_xml::de::from_str::<Answer>(&text).map(|answer| answer.error);
    let error = nested.or_else(|_| quick_xml::de::from_str::<Words>(&text)).unwrap_or_default();
    (cut(&error.code), cut(&error.message))
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Error")]
    error: Words,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Words {
    code: String,
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_every_protocol_are_read() {
        let read = |body: &str| read_error(body.as_bytes());
        let of = |code: &str, words: &str| (code.to_owned(), words.to_owned());
        assert_eq!(
            read(r#"{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"none"}"#),
            of("ParameterNotFound", "none")
        );
        let nested = "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>a &lt;b&gt; &#99;\
                      </Message></Error></ErrorResponse>";
        assert_eq!(read(nested), of("NoSuchEntity", "a <b> c"));
        assert_eq!(
            read("<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>no</Message></Error>"),
            of("NoSuchBucket", "no")
        );
        assert_eq!(read("<html>502"), of("", ""));
        assert_eq!(read(""), of("", ""));
    }

    #[test]
    fn a_failure_says_what_it_was_and_what_helps() {
        let error = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            AwsError::answered(Service::Ssm, "GetParameter", status, body.as_bytes())
        };
        let throttled = error(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
        assert_eq!((throttled.kind, throttled.uncertain), (Kind::Throttled, false));
        assert_eq!(error(503, "").kind, Kind::Unavailable);
        assert_eq!(error(403, "").kind, Kind::Credentials);
        let told =
            error(400, r#"{"__type":"AccessDeniedException","Message":"no"}"#).into_deploy_error(ErrorCode::StateIo);
        assert_eq!(told.reason_name(), Some("unauthorized"));
        assert_eq!(told.message(), "AWS Parameter Store failed at GetParameter (400, AccessDeniedException): no");
        assert!(told.hint_text().unwrap().contains("GetParameter"), "{told:?}");
    }
}
