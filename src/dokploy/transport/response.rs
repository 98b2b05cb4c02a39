//! What a response means, judged by its status and body. It does no I/O.

use super::error::{Failure, FieldIssue};
use crate::secrets::{Redactor, Secret};
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How much of a server's text gets into an error, in characters.
const LONGEST_MESSAGE: usize = 600;

/// Fields of our requests whose values must not come back in an error.
const SECRET_FIELDS: &[&str] = &["databasePassword", "password", "env", "buildArgs", "buildSecrets", "args"];

/// The body of an error as Dokploy writes it.
#[derive(Deserialize)]
struct ErrorBody {
    message: String,
    code: Option<String>,
    data: Option<ErrorData>,
    #[serde(default)]
    issues: Vec<Issue>,
}

#[derive(Deserialize)]
struct ErrorData {
    path: Option<String>,
}

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    path: Vec<Value>,
    #[serde(default)]
    message: String,
}

/// Decodes the body of a successful response. The error names the field, never its value.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let decoded = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let text = inner.to_string();
        let what = match inner.classify() {
            // The text of other errors quotes the value.
            serde_json::error::Category::Data if text.starts_with("missing field") => {
                text.split(" at line").next().unwrap_or_default().to_owned()
            }
            serde_json::error::Category::Data => "is of another kind".to_owned(),
            _ => "it is not JSON".to_owned(),
        };
        Failure::Malformed { reason: if path == "." { what } else { format!("{path}: {what}") } }
    })?;
    deserializer.end().map_err(|_| Failure::Malformed { reason: "it is not JSON".to_owned() })?;
    Ok(decoded)
}

/// Classifies an unsuccessful response; what the server said passes `redact`.
pub(super) fn failure(status: u16, bytes: &[u8], redact: &dyn Fn(&str) -> String) -> Failure {
    let Ok(body) = serde_json::from_slice::<ErrorBody>(bytes) else {
        return Failure::PlainText { status, text: redact(&plain_text(bytes)) };
    };
    let message = redact(&shown(&body.message));
    let denied = body.message.contains("unauthorized to access resource");
    match status {
        401 if body.code.as_deref() == Some("UNAUTHORIZED") => Failure::Forbidden { message },
        401 => Failure::Unauthorized,
        403 => Failure::Forbidden { message },
        400 if denied => Failure::Forbidden { message },
        404 if body.data.is_some_and(|data| data.path.is_some()) => Failure::NotFound { message },
        404 => Failure::NoSuchEndpoint,
        400 if !body.issues.is_empty() => {
            let issues = body
                .issues
                .iter()
                .map(|issue| FieldIssue { field: field_path(&issue.path), message: redact(&shown(&issue.message)) });
            Failure::Validation { issues: issues.collect() }
        }
        409 => Failure::Conflict { message },
        500.. => Failure::ServerError { status, message },
        _ => Failure::Rejected { status, message },
    }
}

/// Where a redirect leads, without its query.
pub(super) fn location(base: &Url, location: Option<&str>) -> String {
    let Some(mut url) = location.and_then(|location| base.join(location).ok()) else {
        return "an unknown place".to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    // Neither call fails for a URL that has a host, and the result is shown either way.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// Removes what our request carried in secret fields from a text, in case the server echoes it.
pub(super) fn without_request_secrets(text: &str, body: &Value) -> String {
    let Some(fields) = body.as_object() else { return text.to_owned() };
    let redactor = Redactor::new();
    let mut add = |value: &str| {
        redactor.add(&Secret::new(value));
        for line in value.lines() {
            let line = line.split_once('=').map_or(line, |(_, value)| value);
            redactor.add(&Secret::new(line.trim_matches(['\'', '"', '`'])));
        }
    };
    for (name, value) in fields.iter().filter(|(name, _)| SECRET_FIELDS.contains(&name.as_str())) {
        match value {
            Value::String(value) => add(value),
            Value::Array(values) => values.iter().filter_map(Value::as_str).for_each(&mut add),
            _ => debug_assert!(value.is_null(), "{name} is neither text nor a list"),
        }
    }
    redactor.redact(text)
}

/// A server's message as it may be shown: without SQL and its parameters, in one line, not too long.
fn shown(message: &str) -> String {
    let mut kept = message;
    let mut cut = false;
    for marker in ["Failed query:", "\nparams:", "params: "] {
        if let Some((before, _)) = kept.split_once(marker) {
            kept = before;
            cut = true;
        }
    }
    let line = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = shortened(&line);
    if cut {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str("a query of its database failed");
    }
    text
}

fn plain_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    if text.is_empty() {
        return "(nothing)".to_owned();
    }
    if text.starts_with('<') {
        return "(a web page)".to_owned();
    }
    shown(text)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn field_path(path: &[Value]) -> String {
    let parts = path.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(status: u16, body: &Value) -> Failure {
        failure(status, body.to_string().as_bytes(), &str::to_owned)
    }

    #[test]
    fn the_two_401s_are_told_apart() {
        assert_eq!(told(401, &json!({ "message": "Unauthorized" })), Failure::Unauthorized);
        let limited = json!({ "message": "Rate limit exceeded.", "code": "RATE_LIMITED" });
        assert_eq!(told(401, &limited), Failure::Unauthorized);
        let message = "You don't have access to this service".to_owned();
        let member = json!({ "message": message, "code": "UNAUTHORIZED", "data": { "path": "application.deploy" } });
        assert_eq!(told(401, &member), Failure::Forbidden { message });
    }

    #[test]
    fn the_two_404s_are_told_apart() {
        let endpoint = json!({ "message": "Not found", "code": "NOT_FOUND", "data": { "code": "NOT_FOUND" } });
        assert_eq!(told(404, &endpoint), Failure::NoSuchEndpoint);
        let record = json!({ "message": "Postgres not found", "data": { "path": "postgres.one" } });
        assert_eq!(told(404, &record), Failure::NotFound { message: "Postgres not found".to_owned() });
    }

    #[test]
    fn conflicts_and_forbidden_environments_keep_what_the_server_said() {
        let message = "Port 25432 is already in use by container \"shop-db-zc4mvo.1.b5wr\"".to_owned();
        let taken = json!({ "message": message, "code": "CONFLICT", "data": { "path": "postgres.saveExternalPort" } });
        assert_eq!(told(409, &taken), Failure::Conflict { message });
        let message = "You are not allowed to access this environment".to_owned();
        let denied = json!({ "message": message, "code": "FORBIDDEN", "data": { "path": "environment.one" } });
        assert_eq!(told(403, &denied), Failure::Forbidden { message });
    }

    #[test]
    fn issues_are_listed_by_field() {
        let body = json!({ "message": "Input validation failed", "issues": [
            { "path": ["networks", 0, "name"], "message": "too short" }, { "path": [], "message": "wrong" },
        ] });
        let Failure::Validation { issues } = told(400, &body) else { panic!("not told to be a validation") };
        let lines: Vec<String> = issues.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["networks.0.name: too short", "wrong"]);
    }

    #[test]
    fn i6_queries_are_cut_off_wherever_they_begin() {
        for message in [
            "Failed query: insert into \"x\" values ($1)\nparams: canary",
            "Error creating: Failed query: select canary",
            "Error x\nparams: canary,1",
        ] {
            let text = shown(message);
            assert!(!text.contains("canary") && text.ends_with("a query of its database failed"), "{text}");
        }
        assert_eq!(shown("line one\n  line two"), "line one line two");
        assert_eq!(shown(&"é".repeat(700)).chars().count(), LONGEST_MESSAGE + 1);
    }
}
