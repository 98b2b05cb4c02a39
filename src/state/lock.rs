//! The lock of a stage: one run at a time, on this machine (I11).

use super::file;
use super::location::{StageFiles, blocking, io_error};
use crate::{DeployError, ErrorCode};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How often, and how far apart, a holder's text is looked at that is not written yet.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// How often a lock file may vanish under us before that is taken for a fault.
const ATTEMPTS: u32 = 100;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockOwner {
    /// The process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// When it took the lock, as ISO 8601.
    pub started_at: String,
    /// The run.
    pub run_id: String,
}

impl LockOwner {
    /// This process, for the run `run_id` that starts `now`.
    pub fn this_process(run_id: impl Into<String>, now: OffsetDateTime) -> Self {
        Self {
            pid: std::process::id(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            started_at: now.format(&Rfc3339).unwrap_or_else(|_| now.to_string()),
            run_id: run_id.into(),
        }
    }
}

/// Holds a stage until it is dropped or the process ends, however it ends.
///
/// It is a lock of the operating system on `.gkm/deploy-{stage}.lock`. The file is never deleted; its text says who holds
/// the lock and decides nothing. Two locks of one process exclude each other as well. Child processes do not inherit it.
/// It covers one machine; a folder that several machines share is covered as far as its file system shares locks.
#[derive(Debug)]
pub struct StageLock {
    file: File,
    files: StageFiles,
    owner: LockOwner,
}

impl StageLock {
    /// Takes the lock of `stage` in the workspace at `root`, or fails at once.
    ///
    /// Dropping the future frees what it may have taken.
    ///
    /// # Errors
    ///
    /// `STATE_LOCKED` when another run holds it, saying which since when; `STATE_IO` when the file cannot be made or the
    /// file system knows no locks; `INVALID_REQUEST` when the name cannot be part of a file name.
    pub async fn acquire(root: &Path, stage: &str, owner: LockOwner) -> Result<Self, DeployError> {
        let files = StageFiles::new(root, stage)?;
        blocking(move || acquire(files, owner)).await
    }

    /// Who holds it: us.
    pub fn owner(&self) -> &LockOwner {
        &self.owner
    }

    /// The files that it protects.
    pub(super) fn files(&self) -> &StageFiles {
        &self.files
    }
}

impl Drop for StageLock {
    fn drop(&mut self) {
        // The text would name us while the next owner has not written its own yet.
        let _ = self.file.set_len(0);
        // Said explicitly: a child that is between its fork and its exec still has the file open.
        let _ = self.file.unlock();
    }
}

fn acquire(files: StageFiles, owner: LockOwner) -> Result<StageLock, DeployError> {
    let path = files.lock();
    let failed = |error: &io::Error| io_error("lock", &path, error);
    file::prepare_folder(files.folder()).map_err(|error| failed(&error))?;
    for _ in 0..ATTEMPTS {
        let mut options = file::open_options();
        let mut file = options.write(true).create(true).open(&path).map_err(|error| failed(&error))?;
        file::check_regular(&file).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(&files, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // Someone may have deleted the folder in between; a lock on a file that is gone keeps nobody out.
        if !is_at(&file, &path) {
            continue;
        }
        write_owner(&mut file, &owner).map_err(|error| failed(&error))?;
        return Ok(StageLock { file, files, owner });
    }
    Err(failed(&io::Error::other("it is deleted again and again")))
}

/// Whether `file` is what `path` names.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(open), Ok(named)) => open.ino() == named.ino() && open.dev() == named.dev(),
        _ => false,
    }
}

fn write_owner(file: &mut File, owner: &LockOwner) -> io::Result<()> {
    let mut text = serde_json::to_vec(owner)?;
    text.push(b'\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

/// The error of a lock that another run holds.
fn locked(files: &StageFiles, file: &mut File) -> DeployError {
    let holder = read_owner(file).map_or_else(
        || "another process".to_owned(),
        |owner| format!("process {} on {} since {} (run {})", owner.pid, owner.host, owner.started_at, owner.run_id),
    );
    let message = format!("Another run of stage `{}` is under way: {holder}", files.stage());
    DeployError::new(ErrorCode::StateLocked, message)
        .resource(files.lock().display().to_string())
        .hint("Wait for it to end, or stop it: the lock frees itself when its process ends")
        .retryable(true)
}

/// Reads who holds the lock; its owner may be about to write it.
fn read_owner(file: &mut File) -> Option<LockOwner> {
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(BETWEEN_LOOKS);
        }
        let mut text = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
        if let (Ok(_), Ok(owner)) = (read, serde_json::from_str(&text)) {
            return Some(owner);
        }
    }
    None
}
