//! What an answer came from, and whether it is still the same.

use super::app_paths::AppPaths;
use super::digest::digest;
use super::protocol::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files that pin the versions of packages, or change what a package manager links where.
const LOCKFILES: [&str; 6] =
    ["package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb", "pnpm-workspace.yaml"];
/// The files beside sources that decide how these are resolved and compiled.
const SETTINGS: [&str; 3] = ["package.json", "tsconfig.json", "jsconfig.json"];

/// A file or folder and what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Input {
    path: PathBuf,
    content: String,
}

/// An installed package and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Installed {
    folder: PathBuf,
    name: Option<String>,
    version: Option<String>,
}

impl Input {
    fn of(path: PathBuf) -> Option<Self> {
        let content = content(&path)?;
        Some(Self { path, content })
    }

    pub(super) fn is_unchanged(&self) -> bool {
        content(&self.path).is_some_and(|content| content == self.content)
    }
}

impl Installed {
    pub(super) fn is_unchanged(&self) -> bool {
        #[derive(Deserialize)]
        struct Manifest {
            name: Option<String>,
            version: Option<String>,
        }
        let text = std::fs::read(self.folder.join("package.json")).unwrap_or_default();
        serde_json::from_slice::<Manifest>(&text)
            .is_ok_and(|manifest| manifest.name == self.name && manifest.version == self.version)
    }
}

/// What a run depended on; none where that cannot be told.
pub(super) fn inputs(records: &[Record], paths_of_app: &AppPaths) -> Option<(Vec<Input>, Vec<Installed>)> {
    let mut paths = BTreeSet::new();
    let mut packages = Vec::new();
    for record in records {
        match record {
            Record::Loaded { file } => {
                paths.insert(file.clone());
                settings(file, &paths_of_app.root, &mut paths);
            }
            Record::Read { file } => {
                paths.insert(file.clone());
            }
            Record::Package { folder, name, version } => {
                version.as_ref()?;
                packages.push(Installed { folder: folder.clone(), name: name.clone(), version: version.clone() });
            }
            _ => {}
        }
    }
    for folder in paths_of_app.app.ancestors() {
        paths.extend(LOCKFILES.iter().map(|name| folder.join(name)));
        if folder == paths_of_app.root {
            break;
        }
    }
    let inputs = paths.into_iter().map(Input::of).collect::<Option<_>>()?;
    Some((inputs, packages))
}

/// The folder of a file, whose names decide what is found, and the settings that govern it.
fn settings(file: &Path, root: &Path, paths: &mut BTreeSet<PathBuf>) {
    let folders = file.ancestors().skip(1);
    for (distance, folder) in folders.enumerate() {
        if distance == 0 {
            paths.insert(folder.to_path_buf());
        }
        paths.extend(SETTINGS.iter().map(|name| folder.join(name)));
        if folder == root {
            break;
        }
    }
}

/// A digest of a file's content or of a folder's names; none where it cannot be read. That it is absent is a content too.
fn content(path: &Path) -> Option<String> {
    let kind = match std::fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if is_absence(&error) => return Some("absent".to_owned()),
        Err(_) => return None,
    };
    if !kind.is_dir() {
        return kind.is_file().then(|| std::fs::read(path).ok()).flatten().map(|bytes| digest(&bytes));
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).ok()? {
        let name = entry.ok()?.file_name();
        // Our own folder changes by being used.
        if name != ".gkm" {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Some(digest(names.join("\0").as_bytes()))
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// What tells a program's file from another without reading it: its place, size and time of change.
pub(super) fn fingerprint(file: &Path) -> Option<String> {
    let metadata = std::fs::metadata(file).ok()?;
    let changed = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{}:{}:{}", file.display(), metadata.len(), changed.as_nanos()))
}
