//! What the simulator was asked: every request, in order.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

/// One request as it arrived, and what was answered.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// Position in the order of arrival, from 0.
    pub index: usize,
    /// The HTTP method.
    pub method: String,
    /// The path without the query, for example `/api/project.all`.
    pub path: String,
    /// The query parameters, in their order.
    pub query: Map<String, Value>,
    /// The JSON body with its fields in their order; `None` when there is none or it is not JSON.
    pub body: Option<Value>,
    /// The status answered; `None` while under way and when the connection was closed without an answer.
    pub status: Option<u16>,
    /// When it arrived, measured from the simulator's start.
    #[serde(serialize_with = "as_millis", rename = "atMillis")]
    pub at: Duration,
    /// When it was answered; `None` while under way and when the connection was closed without an answer.
    #[serde(skip)]
    pub answered: Option<Duration>,
    /// How the request departs from the API's published schema. Empty when it does not.
    pub violations: Vec<String>,
}

impl RequestRecord {
    /// The procedure's name, for example `project.all`.
    pub fn endpoint(&self) -> &str {
        self.path.strip_prefix("/api/").unwrap_or(&self.path)
    }

    /// Whether the request is a mutation, which in Dokploy's API is every POST.
    pub fn is_mutation(&self) -> bool {
        self.method == "POST"
    }
}

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1_000.0)
}

/// The list of all requests.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    requests: Mutex<Vec<RequestRecord>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), requests: Mutex::default() }
    }

    pub(crate) fn begin(&self, method: &str, path: &str, query: Map<String, Value>, body: Option<Value>) -> usize {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let index = requests.len();
        requests.push(RequestRecord {
            index,
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            body,
            status: None,
            at: self.started.elapsed(),
            answered: None,
            violations: Vec::new(),
        });
        index
    }

    pub(crate) fn finish(&self, index: usize, status: u16) {
        let answered = self.started.elapsed();
        self.change(index, |request| {
            request.status = Some(status);
            request.answered = Some(answered);
        });
    }

    pub(crate) fn violations(&self, index: usize, violations: Vec<String>) {
        self.change(index, |request| request.violations = violations);
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut RequestRecord)) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = requests.get_mut(index) {
            change(request);
        }
    }
}
