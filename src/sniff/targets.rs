//! Which files stand for an app, by the strategy that fits it.

use super::app_paths::AppPaths;
use super::protocol::{Target, TargetKind};
use super::requirement::SniffFailure;
use super::route_files::route_files;
use crate::workspace::{App, AppType};
use std::path::Path;

/// The files to load for an app; none where no strategy needs any.
pub(super) fn targets(app: &App, workspace_root: &Path) -> Result<Option<(Vec<Target>, AppPaths)>, Box<SniffFailure>> {
    let is_front_end = app.app_type != AppType::Backend;
    let config: Vec<&String> = app.config.client.iter().chain(&app.config.server).collect();
    let needs_files = if is_front_end {
        !config.is_empty()
    } else {
        app.entry.is_some() || !app.routes.is_empty() || app.env_parser.is_some()
    };
    if !needs_files {
        return Ok(None);
    }
    let paths = AppPaths::find(Path::new(&app.path), workspace_root)?;
    let targets: Vec<_> = match &app.entry {
        _ if is_front_end => config.into_iter().map(|file| entry(file, &paths)).collect::<Result<_, _>>()?,
        Some(file) => vec![entry(file, &paths)?],
        None if app.routes.is_empty() => {
            app.env_parser.iter().map(|it| export(TargetKind::EnvParser, it, &paths)).collect::<Result<_, _>>()?
        }
        None => server(app, &paths)?,
    };
    Ok((!targets.is_empty()).then_some((targets, paths)))
}

/// An entry file, by its path in the app's folder.
pub(super) fn entry(file: &str, paths: &AppPaths) -> Result<Target, Box<SniffFailure>> {
    Ok(Target::of(TargetKind::Entry, paths.file(Path::new(file))?))
}

/// What the CLI builds into the server of a route app: its routes, and the modules that are loaded with any of them.
fn server(app: &App, paths: &AppPaths) -> Result<Vec<Target>, Box<SniffFailure>> {
    let mut targets = Vec::new();
    for (kind, named) in [(TargetKind::EnvParser, &app.env_parser), (TargetKind::Module, &app.logger)] {
        targets.extend(named.iter().map(|it| export(kind, it, paths)).collect::<Result<Vec<_>, _>>()?);
    }
    let files = route_files(&app.routes, &paths.app)?;
    targets.extend(files.into_iter().map(|file| Target::of(TargetKind::Routes, file)));
    // Last, as the server calls them with the other two.
    targets
        .extend(app.server_hooks.iter().map(|it| export(TargetKind::Hooks, it, paths)).collect::<Result<Vec<_>, _>>()?);
    Ok(targets)
}

/// `path#export`.
fn export(kind: TargetKind, named: &str, paths: &AppPaths) -> Result<Target, Box<SniffFailure>> {
    let (path, export) = named.rsplit_once('#').unwrap_or((named, "default"));
    Ok(Target { export: Some(export.to_owned()), ..Target::of(kind, paths.file(Path::new(path))?) })
}
