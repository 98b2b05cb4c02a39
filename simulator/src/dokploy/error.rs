//! Error bodies, exactly as Dokploy writes them.

use serde_json::{Map, Value, json};

/// One finding of the input validation.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) path: Vec<Value>,
    pub(crate) message: String,
    /// The issue as zod prints it, with its keys in zod's order.
    pub(crate) body: Value,
}

/// A failed call.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    code: &'static str,
    message: String,
    issues: Vec<Issue>,
    names_path: bool,
}

impl ApiError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), issues: Vec::new(), names_path: true }
    }

    /// 400 from the business rules: no `issues`.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BAD_REQUEST", message)
    }

    /// 400 from the input validation.
    pub(crate) fn invalid(issues: Vec<Issue>) -> Self {
        Self { issues, ..Self::new(400, "BAD_REQUEST", "Input validation failed") }
    }

    /// 404: no such record.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::no_record(format!("{what} not found"))
    }

    /// 404: no such record, in words of its own.
    pub(crate) fn no_record(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", message)
    }

    /// 404: no such endpoint. Its `data` has no `path`.
    pub(crate) fn no_endpoint() -> Self {
        Self { names_path: false, ..Self::new(404, "NOT_FOUND", "Not found") }
    }

    /// 401: the key is fine, its owner may not do this.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(401, "UNAUTHORIZED", message)
    }

    /// 403, which only the environment calls use.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "FORBIDDEN", message)
    }

    /// 409.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "CONFLICT", message)
    }

    /// 415. The unbalanced quote is the server's.
    pub(crate) fn unsupported_media_type(content_type: &str) -> Self {
        Self::new(415, "UNSUPPORTED_MEDIA_TYPE", format!("Unsupported content-type \"{content_type}"))
    }

    /// 500.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "INTERNAL_SERVER_ERROR", message)
    }

    /// The JSON body, for a call of `procedure`.
    pub(crate) fn body(&self, procedure: &str) -> Value {
        let mut data = Map::new();
        data.insert("code".into(), self.code.into());
        data.insert("httpStatus".into(), self.status.into());
        if self.names_path {
            data.insert("path".into(), procedure.into());
        }
        data.insert("zodError".into(), self.zod_error());
        let mut body = json!({ "message": self.message, "code": self.code, "data": data });
        if !self.issues.is_empty() {
            body["issues"] = self.issues.iter().map(|issue| issue.body.clone()).collect();
        }
        body
    }

    /// zod's `flatten()`: messages by the first step of their path.
    fn zod_error(&self) -> Value {
        if self.issues.is_empty() {
            return Value::Null;
        }
        let mut form = Vec::new();
        let mut fields: Map<String, Value> = Map::new();
        for issue in &self.issues {
            match issue.path.first().and_then(Value::as_str) {
                None => form.push(Value::from(issue.message.clone())),
                Some(field) => {
                    let messages = fields.entry(field).or_insert_with(|| Value::Array(Vec::new()));
                    if let Value::Array(messages) = messages {
                        messages.push(issue.message.clone().into());
                    }
                }
            }
        }
        json!({ "formErrors": form, "fieldErrors": fields })
    }
}
