//! `sniffEntryFile`, `sniffApp` and `sniffAllApps`.

use super::cancel::CancelHandle;
use super::failure::{Outcome, outcome};
use super::options::{JsSurroundings, parse};
use crate::DeployError;
use crate::deploy::Surroundings;
use crate::sniff::{self, SniffOptions, SniffedEntry};
use crate::workspace::App;
use indexmap::IndexMap;
use napi_derive::napi;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// `SniffOptions` of the public JavaScript.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    cache: Option<bool>,
    deadline_seconds: Option<u32>,
    #[serde(default)]
    surroundings: JsSurroundings,
}

/// `SniffedEntry` of the public JavaScript: with what is required, as for a whole app.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsEntry {
    required_env_vars: Vec<String>,
    #[serde(flatten)]
    entry: SniffedEntry,
}

impl From<SniffedEntry> for JsEntry {
    fn from(entry: SniffedEntry) -> Self {
        Self { required_env_vars: entry.required_env_vars(), entry }
    }
}

/// Runs `sniff::sniff_entry_file`.
#[napi]
pub async fn sniff_entry_file(
    entry_path: String,
    app_path: String,
    workspace_path: String,
    options: Value,
    cancel: &CancelHandle,
) -> Outcome {
    let (entry, app, workspace) = (Path::new(&entry_path), Path::new(&app_path), Path::new(&workspace_path));
    outcome(match read_options(options, cancel) {
        Ok(options) => Box::pin(sniff::sniff_entry_file(entry, app, workspace, &options)).await.map(JsEntry::from),
        Err(error) => Err(error),
    })
}

/// Runs `sniff::sniff_app`.
#[napi]
pub async fn sniff_app(
    app: Value,
    app_name: String,
    workspace_path: String,
    options: Value,
    cancel: &CancelHandle,
) -> Outcome {
    let sniff = async || {
        let app = App::from_json(&app_name, &app)?;
        let options = read_options(options, cancel)?;
        Box::pin(sniff::sniff_app(&app, &app_name, Path::new(&workspace_path), &options)).await
    };
    outcome(sniff().await)
}

/// Runs `sniff::sniff_all_apps`.
#[napi]
pub async fn sniff_all_apps(apps: Value, workspace_path: String, options: Value, cancel: &CancelHandle) -> Outcome {
    let sniff = async || {
        let apps = parse::<IndexMap<String, Value>>("apps", apps)?
            .into_iter()
            .map(|(name, app)| App::from_json(&name, &app).map(|app| (name, app)))
            .collect::<Result<IndexMap<_, _>, _>>()?;
        let options = read_options(options, cancel)?;
        Box::pin(sniff::sniff_all_apps(&apps, Path::new(&workspace_path), &options)).await
    };
    outcome(sniff().await)
}

fn read_options(value: Value, cancel: &CancelHandle) -> Result<SniffOptions, DeployError> {
    let Options { cache, deadline_seconds, surroundings } = parse("options", value)?;
    let Surroundings { node, sniffer, .. } = surroundings.into();
    let default = SniffOptions::default();
    Ok(SniffOptions {
        node,
        sniffer,
        cache: cache.unwrap_or(default.cache),
        deadline: deadline_seconds.map_or(default.deadline, |seconds| Duration::from_secs(seconds.into())),
        cancel: cancel.token(),
        ..default
    })
}
