//! What can go wrong on purpose, and what was asked.

use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A vendor's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// The Cloudflare-shaped one.
    Cloudflare,
    /// The Hostinger-shaped one.
    Hostinger,
}

/// One request that a vendor's API got. It never holds the token.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// Which API.
    pub vendor: Vendor,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query as it came; empty when there was none.
    pub query: String,
    /// The JSON body; null when there was none.
    pub body: Value,
    /// The status that was answered; none when the connection was dropped.
    pub status: Option<u16>,
}

impl RecordedRequest {
    /// Whether it asked for a change.
    pub fn is_write(&self) -> bool {
        is_write(&self.method)
    }
}

fn is_write(method: &str) -> bool {
    method != "GET"
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It is answered with this status and has no effect.
    Fail(u16),
    /// It is answered with 429 and has no effect; the header `Retry-After` says so many seconds.
    Throttle(u64),
    /// It is answered with a redirect to this URL and has no effect.
    Redirect(String),
    /// The connection is closed without an answer and without an effect.
    DropBefore,
    /// It takes effect, then the connection is closed without an answer.
    DropAfter,
    /// It is answered this much later.
    Delay(Duration),
    /// It is answered with 200 and this text in place of the real answer; it has no effect.
    Garble(String),
}

/// A fault: which requests, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    vendor: Option<Vendor>,
    method: Option<String>,
    writes: bool,
    path: Option<String>,
    skip: usize,
    times: usize,
    kind: FaultKind,
}

impl Fault {
    /// Makes a fault that strikes the next request, once.
    pub fn new(kind: FaultKind) -> Self {
        Self { vendor: None, method: None, writes: false, path: None, skip: 0, times: 1, kind }
    }

    /// Limits it to one vendor.
    #[must_use]
    pub fn vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        self
    }

    /// Limits it to one method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Limits it to requests that ask for a change.
    #[must_use]
    pub fn writes(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Limits it to paths that contain a text.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Strikes the `n`-th request that fits, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// Strikes so many requests in a row.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    fn fits(&self, vendor: Vendor, method: &str, path: &str) -> bool {
        self.vendor.is_none_or(|wanted| wanted == vendor)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && (!self.writes || is_write(method))
            && self.path.as_deref().is_none_or(|part| path.contains(part))
    }
}

/// The faults still to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What happens to this request; counts it.
    pub(super) fn strike(&self, vendor: Vendor, method: &str, path: &str) -> Option<FaultKind> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = None;
        for fault in faults.iter_mut().filter(|fault| fault.fits(vendor, method, path)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if struck.is_none() && fault.times > 0 {
                fault.times -= 1;
                struck = Some(fault.kind.clone());
            }
        }
        faults.retain(|fault| fault.times > 0);
        struck
    }
}
