//! `validateWorkspace`, `stageHosts`, `resolveHost`, `publicPrefix` and `automaticVariables`: pure and synchronous.

use super::failure::{Outcome, outcome};
use super::options::{invalid, parse};
use crate::DeployError;
use crate::env::AUTOMATIC_VARIABLES;
use crate::workspace::{Workspace, public_prefix as prefix_of, stage_fault};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::Value;

/// `HostOptions` of the public JavaScript, and the stage that `validateWorkspace` takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    stage: Option<String>,
    #[serde(default)]
    main_frontend_at_apex: bool,
}

/// Runs `Workspace::check`.
#[napi]
pub fn validate_workspace(workspace: Value, options: Value) -> Outcome {
    outcome(read_options(options).map(|Options { stage, main_frontend_at_apex }| {
        Workspace::check(&workspace, stage.as_deref(), main_frontend_at_apex)
    }))
}

/// Runs `Workspace::hosts`.
#[napi]
pub fn stage_hosts(workspace: Value, stage: String, options: Value) -> Outcome {
    let hosts = || {
        let Options { main_frontend_at_apex, .. } = read_options(options)?;
        Workspace::from_json(workspace)?.hosts(checked(&stage)?, main_frontend_at_apex)
    };
    outcome(hosts())
}

/// Runs `Workspace::host`.
#[napi]
pub fn resolve_host(workspace: Value, app: String, stage: String, options: Value) -> Outcome {
    let host = || {
        let Options { main_frontend_at_apex, .. } = read_options(options)?;
        Workspace::from_json(workspace)?.host(&app, checked(&stage)?, main_frontend_at_apex)
    };
    outcome(host())
}

/// Runs `workspace::public_prefix`.
#[napi]
pub fn public_prefix(framework: Option<String>) -> &'static str {
    prefix_of(framework.as_deref())
}

/// The list of `env::AUTOMATIC_VARIABLES`.
#[napi]
pub fn automatic_variables() -> Outcome {
    outcome(Ok::<_, DeployError>(AUTOMATIC_VARIABLES))
}

fn read_options(options: Value) -> Result<Options, DeployError> {
    let options: Options = parse("options", options)?;
    if let Some(stage) = &options.stage {
        checked(stage)?;
    }
    Ok(options)
}

fn checked(stage: &str) -> Result<&str, DeployError> {
    match stage_fault(stage) {
        Some(fault) => Err(invalid(format!("stage: {fault}"))),
        None => Ok(stage),
    }
}
