//! Loads the files that stand for an app and gathers what they asked for.

use super::cache::Cache;
use super::findings::gather;
use super::records::Target;
use super::subprocess::{Unstarted, run};
use super::{SniffFailure, SniffOptions, SniffedEntry};
use crate::DeployError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What may be left out at the end of a file's name.
const EXTENSIONS: [&str; 8] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];

/// Where an app lives, without symbolic links.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The workspace's root.
    pub(super) root: PathBuf,
    /// The app's folder.
    pub(super) app: PathBuf,
}

impl Place {
    /// Finds the folder of an app.
    pub(super) fn find(app_dir: &Path, workspace_root: &Path) -> Result<Self, SniffFailure> {
        let app = workspace_root.join(app_dir);
        match (workspace_root.canonicalize(), app.canonicalize()) {
            (Ok(root), Ok(app)) if app.is_dir() => Ok(Self { root, app }),
            _ => Err(SniffFailure::new("no-entry", format!("There is no folder {}", app.display()))),
        }
    }

    /// Finds a file of the app, of which the extension or `/index` may be left out.
    pub(super) fn file(&self, name: &Path) -> Result<PathBuf, SniffFailure> {
        let base = self.app.join(name);
        let with_extension = |extension: &&str| {
            let mut path = OsString::from(&base);
            path.push(".");
            path.push(extension);
            PathBuf::from(path)
        };
        let index = |extension: &&str| base.join(format!("index.{extension}"));
        std::iter::once(base.clone())
            .chain(EXTENSIONS.iter().map(with_extension))
            .chain(EXTENSIONS.iter().map(index))
            .find(|file| file.is_file())
            .and_then(|file| file.canonicalize().ok())
            .ok_or_else(|| SniffFailure::new("no-entry", format!("There is no file {}", base.display())))
    }
}

/// Loads `targets` and gathers what they asked for, or takes it from the cache; says which.
pub(super) async fn sniff_targets(
    targets: Vec<Target>,
    place: &Place,
    options: &SniffOptions,
) -> Result<(SniffedEntry, bool), DeployError> {
    let cache = Cache::of(&targets, place, options);
    if let Some(answer) = cache.as_ref().and_then(Cache::look_up) {
        return Ok((answer, true));
    }
    match run(targets, &place.app, &place.root, options).await {
        Ok(run) => {
            let answer = gather(&run, &place.root);
            if let Some(cache) = cache {
                cache.keep(&answer, &run.records, place);
            }
            Ok((answer, false))
        }
        Err(Unstarted::NoNode(error)) => {
            let message = format!("{} could not be run: {error}", options.node.display());
            Ok((SniffedEntry::failed(SniffFailure::new("no-node", message)), false))
        }
        Err(Unstarted::Failed(error)) => Err(error),
    }
}

impl SniffFailure {
    /// A failure of a sniff that could not begin.
    pub(super) fn new(kind: &str, message: String) -> Self {
        Self { kind: kind.to_owned(), message, stack: None, partial: false, fatal: true }
    }
}

impl SniffedEntry {
    /// The result of a sniff that could not begin.
    pub(super) fn failed(failure: SniffFailure) -> Self {
        Self { error: Some(failure), ..Self::default() }
    }
}
