//! Which apps a request concerns, and whether its names are right.

use crate::deploy::request::DeploySettings;
use crate::workspace::{AppType, ReleaseLogin, Workspace, stage_fault};
use crate::{DeployError, ErrorCode};
use std::collections::BTreeSet;

/// Checks the name of a stage.
///
/// # Errors
///
/// `INVALID_REQUEST` naming the field and the value.
pub(crate) fn check_stage(stage: &str) -> Result<(), DeployError> {
    match stage_fault(stage) {
        None => Ok(()),
        Some(expected) => {
            Err(DeployError::new(ErrorCode::InvalidRequest, format!("stage: expected {expected}, got \"{stage}\"")))
        }
    }
}

/// Makes sure that a request which names its apps names one.
///
/// # Errors
///
/// `INVALID_REQUEST`.
pub(crate) fn check_not_empty(settings: &DeploySettings) -> Result<(), DeployError> {
    if settings.apps.as_ref().is_none_or(|apps| !apps.is_empty()) {
        return Ok(());
    }
    Err(DeployError::new(ErrorCode::InvalidRequest, "apps: expected at least one app, got an empty list")
        .hint("Leave `apps` out for every app of the workspace"))
}

/// The apps of a run: those selected, dependencies first, without mobile ones.
///
/// # Errors
///
/// `INVALID_REQUEST` when the request names an app that the workspace does not declare.
pub(crate) fn selected_apps(workspace: &Workspace, settings: &DeploySettings) -> Result<Vec<String>, DeployError> {
    let named = settings
        .apps
        .iter()
        .flatten()
        .map(|app| ("apps", app))
        .chain(settings.images.keys().map(|app| ("images", app)))
        .chain(settings.release.keys().map(|app| ("release", app)))
        .chain(settings.health.keys().map(|app| ("health", app)))
        .chain(settings.adopt.iter().map(|app| ("adopt", app)))
        .chain(settings.secrets.apps.keys().map(|app| ("secrets.apps", app)));
    let mut faults: Vec<String> = named
        .filter(|(_, app)| !workspace.apps.contains_key(*app))
        .map(|(field, app)| format!("{field}: the workspace has no app \"{app}\""))
        .collect();
    if workspace.services.db.is_none() {
        let owners = settings.release.iter().filter(|(_, release)| release.login == ReleaseLogin::Owner);
        faults.extend(owners.map(|(app, _)| {
            format!("release.{app}.as: the owner of the database is meant, and the workspace declares none")
        }));
    }
    if !faults.is_empty() {
        let known: Vec<&str> = workspace.apps.keys().map(String::as_str).collect();
        return Err(DeployError::new(ErrorCode::InvalidRequest, faults.join("\n"))
            .hint(format!("The workspace's apps are {}", known.join(", "))));
    }
    let selected = |app: &&str| {
        workspace.apps[*app].app_type != AppType::Mobile
            && settings.apps.as_ref().is_none_or(|apps| apps.iter().any(|it| it == app))
    };
    Ok(workspace.build_order().into_iter().filter(selected).map(str::to_owned).collect())
}

/// Every app that the workspace declares and that may live on the server.
pub(crate) fn declared_apps(workspace: &Workspace) -> BTreeSet<String> {
    let deployable = workspace.apps.iter().filter(|(_, app)| app.app_type != AppType::Mobile);
    deployable.map(|(name, _)| name.clone()).collect()
}
