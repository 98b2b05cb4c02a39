//! `deploy`, `plan`, `undeploy` and their parts.

use super::cancel::CancelHandle;
use super::events::{JsEvents, OnEvent};
use super::failure::{Outcome, json, outcome};
use super::hooks::CallHook;
use super::options::read_options;
use crate::deploy::{self, DeployFailure, DeployRequest, RollbackRequest, RotateRequest, RunOptions, UndeployRequest};
use napi_derive::napi;
use serde_json::Value;
use std::sync::Arc;
use tracing::instrument::WithSubscriber as _;

/// What a run does.
#[napi(string_enum = "camelCase")]
pub enum Operation {
    /// `deploy::deploy`.
    Deploy,
    /// `deploy::plan`.
    Plan,
    /// `deploy::undeploy`.
    Undeploy,
    /// `deploy::plan_undeploy`.
    PlanUndeploy,
    /// `deploy::rollback`.
    Rollback,
    /// `deploy::plan_rollback`.
    PlanRollback,
    /// `deploy::rotate_credentials`.
    RotateCredentials,
    /// `deploy::plan_rotate_credentials`.
    PlanRotateCredentials,
    /// `deploy::verify_dns`.
    VerifyDns,
    /// `deploy::verify_isolation`.
    VerifyIsolation,
    /// `deploy::provision_services`.
    ProvisionServices,
    /// `deploy::initialize_postgres_users`.
    InitializePostgresUsers,
}

/// Carries out a run, and settles after its last event.
#[napi]
pub async fn run(
    operation: Operation,
    request: Value,
    options: Value,
    cancel: &CancelHandle,
    on_event: Arc<OnEvent>,
    call_hook: Arc<CallHook>,
) -> Outcome {
    let events = JsEvents::new(on_event, cancel.token());
    let result = match read_options(options, cancel.token(), events.clone(), call_hook) {
        Ok((options, trace)) => Box::pin(start(operation, request, options)).with_subscriber(trace).await,
        Err(error) => Err(error.into()),
    };
    events.flush().await;
    outcome(result)
}

async fn start(operation: Operation, request: Value, options: RunOptions) -> Result<Value, DeployFailure> {
    match operation {
        Operation::Deploy => json(deploy::deploy(DeployRequest::from_json(request)?, options).await?),
        Operation::Plan => json(deploy::plan(DeployRequest::from_json(request)?, options).await?),
        Operation::Undeploy => json(deploy::undeploy(UndeployRequest::from_json(request)?, options).await?),
        Operation::PlanUndeploy => json(deploy::plan_undeploy(UndeployRequest::from_json(request)?, options).await?),
        Operation::Rollback => json(deploy::rollback(RollbackRequest::from_json(request)?, options).await?),
        Operation::PlanRollback => json(deploy::plan_rollback(RollbackRequest::from_json(request)?, options).await?),
        Operation::RotateCredentials => {
            json(deploy::rotate_credentials(RotateRequest::from_json(request)?, options).await?)
        }
        Operation::PlanRotateCredentials => {
            json(deploy::plan_rotate_credentials(RotateRequest::from_json(request)?, options).await?)
        }
        Operation::VerifyDns => json(deploy::verify_dns(DeployRequest::from_json(request)?, options).await?),
        Operation::VerifyIsolation => {
            json(deploy::verify_isolation(DeployRequest::from_json(request)?, options).await?)
        }
        Operation::ProvisionServices => {
            json(deploy::provision_services(DeployRequest::from_json(request)?, options).await?)
        }
        Operation::InitializePostgresUsers => {
            json(deploy::initialize_postgres_users(DeployRequest::from_json(request)?, options).await?)
        }
    }
}
