//! Events: from the engine to a JavaScript function, in order, all of them before the promise settles.

use crate::{DeployEvent, EventSink};
use napi::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The facade's event function. It never throws; `null` marks the end.
#[napi]
pub type OnEvent = ThreadsafeFunction<Value, (), Value, Status, false>;

/// Sends events to JavaScript.
#[derive(Clone)]
pub(super) struct JsEvents {
    callback: Arc<OnEvent>,
    cancel: CancellationToken,
}

impl JsEvents {
    /// Sends to `callback`; cancels the run when its thread is gone.
    pub(super) fn new(callback: Arc<OnEvent>, cancel: CancellationToken) -> Self {
        Self { callback, cancel }
    }

    /// Waits until JavaScript has taken every event.
    ///
    /// A promise settles through another queue than events do; without this, a busy thread sees it settle first.
    pub(super) async fn flush(&self) {
        // Fails only when the thread is gone, and then nobody waits for the events.
        let _ = self.callback.call_async(Value::Null).await;
    }
}

impl EventSink for JsEvents {
    fn emit(&self, event: DeployEvent) {
        let Ok(value) = serde_json::to_value(event) else { return };
        if self.callback.call(value, ThreadsafeFunctionCallMode::NonBlocking) == Status::Closing {
            self.cancel.cancel();
        }
    }
}
