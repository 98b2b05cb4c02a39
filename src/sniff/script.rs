//! Where the worker's JavaScript comes from: a folder that the caller names, else the copy inside this library.

use super::digest::digest;
use crate::{DeployError, ErrorCode};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, Weak};

/// Names a file of `sniffer/` and takes its text in.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../sniffer/", $name)))),*]
    };
}

/// The worker's files; `main.cjs` is the one that is run.
const FILES: &[(&str, &str)] = files![
    "activity.cjs",
    "assets.cjs",
    "assumed.cjs",
    "capture.cjs",
    "channel.cjs",
    "commonjs.cjs",
    "describe.cjs",
    "empty.cjs",
    "environment.cjs",
    "files.cjs",
    "glob.cjs",
    "hooks-20.cjs",
    "hooks-async.mjs",
    "hooks-inner.cjs",
    "hooks-sync.cjs",
    "idle.cjs",
    "interop.cjs",
    "libraries.cjs",
    "load.cjs",
    "location.cjs",
    "lowered.cjs",
    "main.cjs",
    "offshoots.cjs",
    "offspring.cjs",
    "packages.cjs",
    "parser.cjs",
    "pattern.cjs",
    "project.cjs",
    "resolve.cjs",
    "schema.cjs",
    "settle.cjs",
    "source.cjs",
    "surroundings.cjs",
    "targets.cjs",
    "tsconfig.cjs",
    "types.cjs",
    "typescript.cjs",
    "unbuilt.cjs",
    "undeployed.cjs",
    "values.cjs",
];

/// The worker's JavaScript on disk, for as long as this lives.
#[derive(Clone)]
pub(super) enum Script {
    /// The caller's folder.
    Given(PathBuf),
    /// Our own copy, removed with its last user.
    Written(Arc<tempfile::TempDir>),
}

impl Script {
    /// The folder that the caller names, else our copy in a private temporary folder, shared while it is in use.
    pub(super) fn locate(folder: Option<&Path>) -> Result<Self, DeployError> {
        static SHARED: Mutex<Weak<tempfile::TempDir>> = Mutex::new(Weak::new());
        if let Some(folder) = folder {
            return Ok(Self::Given(folder.to_path_buf()));
        }
        // A poisoned lock only means that another thread failed to write; the copy is made anew.
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(written) = shared.upgrade() {
            return Ok(Self::Written(written));
        }
        let written = Arc::new(write().map_err(|error| {
            DeployError::new(ErrorCode::SniffFailed, "The sniffer could not be written to a temporary folder")
                .caused_by(&error)
        })?);
        *shared = Arc::downgrade(&written);
        Ok(Self::Written(written))
    }

    /// A digest of the worker's code; none where it cannot be read.
    pub(super) fn digest(folder: Option<&Path>) -> Option<String> {
        static EMBEDDED: LazyLock<String> = LazyLock::new(|| {
            let texts: Vec<&str> = FILES.iter().map(|(_, text)| *text).collect();
            digest(texts.concat().as_bytes())
        });
        let Some(folder) = folder else { return Some(EMBEDDED.clone()) };
        let texts: Option<Vec<Vec<u8>>> = FILES.iter().map(|(name, _)| std::fs::read(folder.join(name)).ok()).collect();
        Some(digest(&texts?.concat()))
    }

    /// The file to run.
    pub(super) fn main(&self) -> PathBuf {
        match self {
            Self::Given(folder) => folder.join("main.cjs"),
            Self::Written(folder) => folder.path().join("main.cjs"),
        }
    }
}

fn write() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("gkm-sniffer-").tempdir()?;
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_sniffer_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sniffer");
        let on_disk: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with("js"))
            .collect();
        let embedded: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(on_disk, embedded);
    }

    #[test]
    fn the_copy_is_shared_while_used_and_removed_afterwards() {
        let first = Script::locate(None).unwrap();
        let second = Script::locate(None).unwrap();
        assert_eq!(first.main(), second.main());
        let main = first.main();
        drop(first);
        assert!(main.is_file());
        drop(second);
        assert!(!main.exists());
    }
}
