//! Where a state is kept.

use super::format::State;
use crate::DeployError;
use async_trait::async_trait;

/// Keeps the state of a stage: the local file, or a hook of the caller.
#[async_trait]
pub trait StateProvider: Send + Sync {
    /// Reads the state; `None` when there is none.
    ///
    /// # Errors
    ///
    /// `STATE_CORRUPT` when what is kept is not a state, `STATE_IO` when it cannot be read, `HOOK_FAILED` for a hook.
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError>;

    /// Writes the state; it is durable when the future has resolved (I2).
    ///
    /// # Errors
    ///
    /// `STATE_IO` when it cannot be written, `STATE_CORRUPT` when what is kept is not a state and would be lost,
    /// `INVALID_REQUEST` for the state of another stage, `HOOK_FAILED` for a hook. What was kept before is still there
    /// then.
    async fn write(&self, stage: &str, state: &State) -> Result<(), DeployError>;
}
