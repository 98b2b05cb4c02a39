//! Where a state is kept.

use super::format::State;
use crate::DeployError;
use async_trait::async_trait;

/// Which state a store holds: what a write is compared with, so that nobody replaces what they have not read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateVersion {
    /// There is none.
    Absent,
    /// The store's own word for it.
    Known(String),
    /// The store does not tell: the last write wins.
    Untold,
}

/// Keeps the state of a stage: the local file, a store that machines share, or a hook of the caller.
#[async_trait]
pub trait StateProvider: Send + Sync {
    /// Reads the state; `None` when there is none.
    ///
    /// # Errors
    ///
    /// `STATE_CORRUPT` when what is kept is not a state, `STATE_IO` when it cannot be read, `HOOK_FAILED` for a hook.
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError>;

    /// Writes the state, whatever is kept; it is durable when the future has resolved (I2).
    ///
    /// # Errors
    ///
    /// `STATE_IO` when it cannot be written, `STATE_CORRUPT` when what is kept is not a state and would be lost,
    /// `INVALID_REQUEST` for the state of another stage, `HOOK_FAILED` for a hook. What was kept before is still there
    /// then.
    async fn write(&self, stage: &str, state: &State) -> Result<(), DeployError>;

    /// As [`Self::read`], with which state it is. Default: the store does not tell.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    async fn read_versioned(&self, stage: &str) -> Result<(Option<State>, StateVersion), DeployError> {
        Ok((self.read(stage).await?, StateVersion::Untold))
    }

    /// As [`Self::write`], but only while the store holds the `expected` state; returns which one it holds now. Default: as
    /// [`Self::write`].
    ///
    /// # Errors
    ///
    /// As [`Self::write`]; `STATE_CONFLICT` when another state is kept by now, which stays.
    async fn write_versioned(
        &self,
        stage: &str,
        state: &State,
        expected: &StateVersion,
    ) -> Result<StateVersion, DeployError> {
        let _ = expected;
        self.write(stage, state).await?;
        Ok(StateVersion::Untold)
    }

    /// Fails when a state as large as `state` would not fit. Default: any fits.
    ///
    /// # Errors
    ///
    /// `STATE_IO` with the reason `too-large`.
    fn check_size(&self, state: &State) -> Result<(), DeployError> {
        let _ = state;
        Ok(())
    }

    /// Whether a write goes over a network: then what may be found out again is written together with what must be durable.
    /// Default: no.
    fn is_remote(&self) -> bool {
        false
    }
}
