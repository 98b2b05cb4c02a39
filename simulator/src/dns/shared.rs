//! What both vendors' APIs work on.

use super::fault::{Faults, RecordedRequest};
use super::zone::Zones;
use axum::http::StatusCode;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Zones, keys, faults and recorded requests, shared by all requests.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) zones: Zones,
    pub(super) faults: Faults,
    pub(super) requests: Mutex<Vec<RecordedRequest>>,
    pub(super) cloudflare_tokens: BTreeSet<String>,
    pub(super) hostinger_tokens: BTreeSet<String>,
    pub(super) largest_page: usize,
}

impl Shared {
    pub(super) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn record(&self, request: RecordedRequest) -> usize {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request);
        requests.len() - 1
    }

    pub(super) fn answered(&self, index: usize, status: StatusCode) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = requests.get_mut(index) {
            request.status = Some(status.as_u16());
        }
    }
}
