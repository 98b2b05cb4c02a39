//! `readState` and `writeState`: the local file.

use super::failure::{Outcome, outcome};
use super::options::{invalid, parse};
use crate::DeployError;
use crate::state::{LocalStateStore, State, StateProvider};
use napi_derive::napi;
use serde_json::Value;
use std::path::PathBuf;

/// Runs `LocalStateStore::read`.
#[napi]
pub async fn read_state(workspace_root: String, stage: String) -> Outcome {
    let read = async || store(workspace_root)?.read(&stage).await;
    outcome(read().await)
}

/// Runs `LocalStateStore::write`.
#[napi]
pub async fn write_state(workspace_root: String, stage: String, state: Value) -> Outcome {
    let write = async || -> Result<(), DeployError> {
        let state: State = parse("state", state)?;
        store(workspace_root)?.write(&stage, &state).await
    };
    outcome(write().await)
}

/// The store of a workspace; a relative path would depend on where the process happens to stand.
fn store(workspace_root: String) -> Result<LocalStateStore, DeployError> {
    let root = PathBuf::from(workspace_root);
    if root.is_absolute() {
        return Ok(LocalStateStore::new(root));
    }
    Err(invalid(format!("workspaceRoot: expected an absolute path, got {}", root.display())))
}
