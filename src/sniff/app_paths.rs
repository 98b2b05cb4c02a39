//! Where an app lives, and its files by the names that a workspace gives them.

use super::requirement::SniffFailure;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What may be left out at the end of a file's name.
const EXTENSIONS: [&str; 8] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];

/// Where an app lives, without symbolic links.
#[derive(Debug, Clone)]
pub(super) struct AppPaths {
    /// The workspace's root.
    pub(super) root: PathBuf,
    /// The app's folder.
    pub(super) app: PathBuf,
}

impl AppPaths {
    /// Finds the folder of an app.
    pub(super) fn find(app_dir: &Path, workspace_root: &Path) -> Result<Self, Box<SniffFailure>> {
        let app = workspace_root.join(app_dir);
        match (workspace_root.canonicalize(), app.canonicalize()) {
            (Ok(root), Ok(app)) if app.is_dir() => Ok(Self { root, app }),
            _ => Err(Box::new(SniffFailure::new("no-entry", format!("There is no folder {}", app.display())))),
        }
    }

    /// Finds a file of the app, of which the extension or `/index` may be left out.
    pub(super) fn file(&self, name: &Path) -> Result<PathBuf, Box<SniffFailure>> {
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
            .ok_or_else(|| Box::new(SniffFailure::new("no-entry", format!("There is no file {}", base.display()))))
    }
}

/// A path as people know it: relative to the workspace.
pub(super) fn shown(file: &Path, root: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned()
}
