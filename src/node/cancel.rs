//! Cancellation: a handle that JavaScript holds.

use napi_derive::napi;
use tokio_util::sync::CancellationToken;

/// Cancels the run it was given to.
#[napi]
#[derive(Default)]
pub struct CancelHandle(CancellationToken);

#[napi]
impl CancelHandle {
    /// Makes a handle that is not cancelled.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels; again does nothing.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// The token that the run listens to.
    pub(super) fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}
