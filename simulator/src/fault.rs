//! Faults: what the simulator does wrong on purpose.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happens to a request that a [`Fault`] matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum FaultAction {
    /// Answers this without doing anything.
    Fail {
        /// The HTTP status.
        status: u16,
        /// The JSON body; a string is sent as plain text.
        #[serde(default)]
        body: Value,
    },
    /// Does what was asked, then answers 500.
    FailAfter,
    /// Closes the connection without doing anything.
    DropBefore,
    /// Does what was asked, then closes the connection without an answer.
    DropAfter,
    /// Does what was asked, and never answers.
    Hang,
    /// Waits, then serves the request as usual.
    Delay {
        /// Real milliseconds: not scaled.
        millis: u64,
    },
    /// Closes the connection now; what was asked happens later.
    LandLater {
        /// Real milliseconds until the effect: not scaled.
        millis: u64,
    },
}

/// A rule: which request, and what happens to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The procedure (`postgres.create`), a prefix with a star (`postgres.*`), `mutations`, or `*` for any.
    pub endpoint: String,
    /// Which of the matching requests, from 1, counted since the rule was set; `None` means all of them.
    #[serde(default)]
    pub nth: Option<usize>,
    /// What happens.
    pub action: FaultAction,
}

impl Fault {
    /// A rule for every request to `endpoint`.
    pub fn new(endpoint: impl Into<String>, action: FaultAction) -> Self {
        Self { endpoint: endpoint.into(), nth: None, action }
    }

    /// Restricts the rule to the `nth` matching request, from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.nth = Some(nth);
        self
    }

    fn matches(&self, endpoint: &str, mutation: bool) -> bool {
        if self.endpoint == "mutations" {
            return mutation;
        }
        match self.endpoint.strip_suffix('*') {
            Some(prefix) => endpoint.starts_with(prefix),
            None => endpoint == self.endpoint,
        }
    }
}

/// The rules in force, with how often each has matched.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<(Fault, usize)>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((fault, 0));
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Counts the request in every rule and returns the action of the first that applies.
    pub(crate) fn action(&self, endpoint: &str, mutation: bool) -> Option<FaultAction> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut action = None;
        for (fault, count) in rules.iter_mut().filter(|(fault, _)| fault.matches(endpoint, mutation)) {
            *count += 1;
            if fault.nth.is_none_or(|nth| nth == *count) {
                action = action.or_else(|| Some(fault.action.clone()));
            }
        }
        action
    }
}
