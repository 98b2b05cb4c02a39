//! What the stores that machines share have in common: the state as one short text, and how a refused write is told.

use super::format::{self, State};
use crate::aws::AwsError;
use crate::{DeployError, ErrorCode};

/// The state as the store keeps it: JSON without blanks, in at most `limit` bytes where that can be.
///
/// # Errors
///
/// `INVALID_REQUEST` for the state of another stage.
pub(super) fn render(stage: &str, state: &State, limit: usize) -> Result<String, DeployError> {
    if let Some(mismatch) = state.mismatch(stage) {
        let message = format!("The state that is to be written {mismatch}");
        return Err(DeployError::new(ErrorCode::InvalidRequest, message));
    }
    Ok(state.to_json_within(limit).to_string())
}

/// Reads a state; `place` is where it is kept.
///
/// # Errors
///
/// `STATE_CORRUPT` naming the place, never a value.
pub(super) fn parse(stage: &str, bytes: &[u8], place: &str) -> Result<State, DeployError> {
    format::parse(bytes, stage).map_err(|fault| {
        DeployError::new(ErrorCode::StateCorrupt, format!("The state in {place} {fault}"))
            .resource(place)
            .reason("state-store")
            .hint("Restore an earlier version of it: the store keeps them, where it was told to")
    })
}

/// The error of a write that would have replaced what somebody else wrote.
pub(super) fn conflict(stage: &str, place: &str, what: &str) -> DeployError {
    let message = format!("The state of `{stage}` in {place} {what}");
    DeployError::new(ErrorCode::StateConflict, message)
        .resource(place)
        .hint("Another machine deploys the same stage: wait for it to end, then run again")
        .retryable(true)
}

/// The error of a call to a store.
pub(super) fn failed(error: AwsError, place: &str) -> DeployError {
    error.into_deploy_error(ErrorCode::StateIo).resource(place)
}
