//! `deploy`, `plan` and `undeploy`.

use super::cancel::CancelHandle;
use super::events::{JsEvents, OnEvent};
use super::failure::{Outcome, outcome};
use super::hooks::CallHook;
use super::options::read_options;
use crate::deploy::{DeployFailure, DeployRequest, RunOptions, UndeployRequest};
use crate::{DeployError, deploy};
use napi_derive::napi;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Runs [`deploy::deploy`].
#[napi]
pub async fn run_deploy(
    request: Value,
    options: Value,
    cancel: &CancelHandle,
    on_event: Arc<OnEvent>,
    call_hook: Arc<CallHook>,
) -> Outcome {
    run(options, cancel, on_event, call_hook, async |options| {
        deploy::deploy(DeployRequest::from_json(request)?, options).await
    })
    .await
}

/// Runs [`deploy::plan`].
#[napi]
pub async fn run_plan(
    request: Value,
    options: Value,
    cancel: &CancelHandle,
    on_event: Arc<OnEvent>,
    call_hook: Arc<CallHook>,
) -> Outcome {
    run(options, cancel, on_event, call_hook, async |options| {
        deploy::plan(DeployRequest::from_json(request)?, options).await
    })
    .await
}

/// Runs [`deploy::undeploy`].
#[napi]
pub async fn run_undeploy(
    request: Value,
    options: Value,
    cancel: &CancelHandle,
    on_event: Arc<OnEvent>,
    call_hook: Arc<CallHook>,
) -> Outcome {
    run(options, cancel, on_event, call_hook, async |options| {
        deploy::undeploy(UndeployRequest::from_json(request)?, options).await
    })
    .await
}

/// Runs `call` with the options that JavaScript gave, and settles after its last event.
async fn run<T: Serialize, E: Into<DeployFailure> + From<DeployError>>(
    options: Value,
    cancel: &CancelHandle,
    on_event: Arc<OnEvent>,
    call_hook: Arc<CallHook>,
    call: impl AsyncFnOnce(RunOptions) -> Result<T, E>,
) -> Outcome {
    let events = JsEvents::new(on_event, cancel.token());
    let result = match read_options(options, cancel.token(), events.clone(), call_hook) {
        Ok(options) => call(options).await,
        Err(error) => Err(error.into()),
    };
    events.flush().await;
    outcome(result)
}
