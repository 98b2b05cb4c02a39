//! Answers for apps that did not change since they were sniffed.
//!
//! An answer is kept with everything that it came from: the workspace's files that were loaded or read (their content), the
//! folders these lie in (their names, so that a new file which would be found first counts), the installed packages (their
//! versions), the lockfiles, our version, the worker's code and the Node that ran it. A hit needs all of it to be the same;
//! whatever cannot be read, is damaged or is unknown is a miss. Failures are never kept.

use super::app_paths::AppPaths;
use super::digest::digest;
use super::inputs::{Input, Installed, fingerprint, inputs};
use super::options::SniffOptions;
use super::protocol::{Record, Target};
use super::requirement::SniffedEntry;
use super::script::Script;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Changes when what a kept answer means changes.
const FORMAT: u32 = 1;

/// The place of one app's answer.
pub(super) struct Cache {
    file: PathBuf,
    identity: Identity,
}

/// What an answer depends on beside the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    format: u32,
    version: String,
    worker: String,
    node: String,
    job: String,
}

/// A kept answer.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    identity: Identity,
    inputs: Vec<Input>,
    packages: Vec<Installed>,
    answer: SniffedEntry,
}

impl Cache {
    /// The place of the answer for `targets`; none where the cache is off or what it depends on cannot be told.
    pub(super) fn of(targets: &[Target], paths: &AppPaths, options: &SniffOptions) -> Option<Self> {
        if !options.cache {
            return None;
        }
        let job =
            digest(serde_json::to_string(&(&paths.root, &paths.app, targets, &options.node_env)).ok()?.as_bytes());
        let folder = options.cache_dir.clone().unwrap_or_else(|| paths.root.join(".gkm/cache"));
        let identity = Identity {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            worker: Script::digest(options.sniffer.as_deref())?,
            node: node_identity(&options.node)?,
            job: job.clone(),
        };
        Some(Self { file: folder.join(format!("sniff-{}.json", &job[..32])), identity })
    }

    /// The kept answer, if nothing that it depends on has changed.
    pub(super) fn look_up(&self) -> Option<SniffedEntry> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        let (checksum, body) = text.split_once('\n')?;
        if checksum != digest(body.as_bytes()) {
            return None;
        }
        let kept: Kept = serde_json::from_str(body).ok()?;
        let same = kept.identity == self.identity
            && kept.packages.iter().all(Installed::is_unchanged)
            && kept.inputs.iter().all(Input::is_unchanged);
        same.then_some(kept.answer)
    }

    /// Keeps an answer, unless it is a failure or depends on what cannot be told.
    pub(super) fn keep(&self, answer: &SniffedEntry, records: &[Record], paths: &AppPaths) {
        let whole = records.contains(&Record::Ended);
        if answer.error.is_some() || !whole || records.contains(&Record::Doubtful) {
            return;
        }
        let Some((inputs, packages)) = inputs(records, paths) else { return };
        let kept = Kept { identity: self.identity.clone(), inputs, packages, answer: answer.clone() };
        // A cache that cannot be written only means that the app is sniffed again.
        let _ = self.write(&kept);
    }

    fn write(&self, kept: &Kept) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let body = serde_json::to_string(kept)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut file, format!("{}\n{body}", digest(body.as_bytes())).as_bytes())?;
        file.persist(&self.file)?;
        Ok(())
    }
}

/// What tells one Node from another without running it: the file that would be run.
fn node_identity(node: &Path) -> Option<String> {
    let file = if node.components().count() > 1 {
        node.to_path_buf()
    } else {
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(node)).find(|file| file.is_file())?
    };
    fingerprint(&file.canonicalize().ok()?)
}
