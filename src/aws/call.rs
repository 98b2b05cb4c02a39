//! A request to a service of AWS, and its answer.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};

/// Whether a request is sent again whose outcome is unknown. One that was throttled is sent again in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Repeating it does no harm.
    Always,
    /// Repeating it would do something a second time.
    OnlyRefused,
}

/// A request.
#[derive(Debug)]
pub(crate) struct AwsCall {
    /// What it does, in AWS's words.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// The path, encoded; begins with `/`.
    pub(crate) path: String,
    /// Names and values, not encoded.
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
}

impl AwsCall {
    /// A request that may be repeated.
    pub(crate) fn new(operation: &'static str, method: Method, path: impl Into<String>) -> Self {
        Self {
            operation,
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            repeat: Repeat::Always,
        }
    }

    /// Adds a parameter.
    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Says that repeating it would do something a second time.
    pub(crate) fn once(mut self) -> Self {
        self.repeat = Repeat::OnlyRefused;
        self
    }
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct AwsReply {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl AwsReply {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
