//! The strategies by which an app's variables are found, and all apps side by side.

use super::loading::sniff_targets;
use super::options::SniffOptions;
use super::requirement::{Evidence, EvidenceSource, SniffedEntry, SniffedEnvironment};
use super::targets::targets;
use crate::DeployError;
use crate::workspace::{App, AppType};
use futures_util::future::try_join_all;
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::path::Path;
use tokio::sync::Semaphore;

/// Finds the variables of one app, by the first of these that applies:
///
/// 1. `requiredEnv` lists them;
/// 2. a web or mobile app needs `{PREFIX}{DEPENDENCY}_URL` for each dependency and what its `config` files ask for;
/// 3. an `entry` file asks for them when it is loaded;
/// 4. the constructs in the files of `routes` and the other globs say what they need, and the modules of `envParser`,
///    `logger` and `hooks.server`, which are loaded with them, ask for theirs;
/// 5. the function that `envParser` names asks for them of the parser it is given.
///
/// An app to which none applies needs nothing. What goes wrong inside the app is not an error but the `error` of the
/// result, beside the names that were captured before.
///
/// # Errors
///
/// As [`sniff_entry_file`](super::sniff_entry_file).
pub async fn sniff_app(
    app: &App,
    name: &str,
    workspace_root: &Path,
    options: &SniffOptions,
) -> Result<SniffedEnvironment, DeployError> {
    let mut evidence = Vec::new();
    let mut entry = SniffedEntry::default();
    let mut cached = false;
    if let Some(required) = &app.required_env {
        evidence.extend(required.iter().map(|variable| certain(variable.clone(), EvidenceSource::RequiredEnv)));
    } else {
        if app.app_type != AppType::Backend {
            evidence.extend(dependency_urls(app).map(|variable| certain(variable, EvidenceSource::Dependency)));
        }
        (entry, cached) = match targets(app, workspace_root) {
            Ok(None) => (entry, false),
            Ok(Some((targets, paths))) => sniff_targets(targets, &paths, options).await?,
            Err(failure) => (SniffedEntry::failed(*failure), false),
        };
    }
    let sniffed = SniffedEnvironment { cached, ..environment(name, evidence, entry) };
    if let Some(on_sniffed) = &options.on_sniffed {
        on_sniffed(&sniffed);
    }
    Ok(sniffed)
}

/// Finds the variables of all apps side by side, at most `options.concurrency` at a time; the result has their order.
///
/// # Errors
///
/// As [`sniff_entry_file`](super::sniff_entry_file), with the app's name; the other apps are given up.
pub async fn sniff_all_apps(
    apps: &IndexMap<String, App>,
    workspace_root: &Path,
    options: &SniffOptions,
) -> Result<IndexMap<String, SniffedEnvironment>, DeployError> {
    let places = Semaphore::new(options.concurrency.max(1));
    let sniffs = apps.iter().map(|(name, app)| {
        let places = &places;
        async move {
            // Never closed, so always granted in the end.
            let _place = places.acquire().await;
            let sniffed = sniff_app(app, name, workspace_root, options).await.map_err(|error| error.app(name))?;
            Ok::<_, DeployError>((name.clone(), sniffed))
        }
    });
    Ok(try_join_all(sniffs).await?.into_iter().collect())
}

/// The variables through which a front end is told where its dependencies are.
fn dependency_urls(app: &App) -> impl Iterator<Item = String> {
    let prefix = match app.framework.as_deref() {
        Some("vite" | "tanstack-start") => "VITE_",
        Some("expo") => "EXPO_PUBLIC_",
        Some("remix") => "",
        _ => "NEXT_PUBLIC_",
    };
    app.dependencies
        .iter()
        .map(move |dependency| format!("{prefix}{}_URL", dependency.to_uppercase().replace('-', "_")))
}

fn certain(name: String, source: EvidenceSource) -> Evidence {
    Evidence { name, source, file: None, line: None, optional: false, reason: None }
}

/// Joins what is known without loading the app and what loading it found: required anywhere is required.
fn environment(name: &str, mut evidence: Vec<Evidence>, entry: SniffedEntry) -> SniffedEnvironment {
    let mut required: BTreeSet<String> = evidence.iter().map(|found| found.name.clone()).collect();
    required.extend(entry.required_env_vars());
    let mut optional: BTreeSet<String> = entry.optional_env_vars.into_iter().collect();
    optional.retain(|variable| !required.contains(variable));
    evidence.extend(entry.evidence);
    SniffedEnvironment {
        app_name: name.to_owned(),
        required_env_vars: required.into_iter().collect(),
        optional_env_vars: optional.into_iter().collect(),
        evidence,
        error: entry.error,
        cached: false,
    }
}
