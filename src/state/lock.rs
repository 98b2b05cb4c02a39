//! The lock of a stage: one run at a time, on this machine (I11).

use super::file;
use super::location::{StageFiles, blocking, io_error};
use crate::system::{FileId, host_name, id_at, id_of};
use crate::{DeployError, ErrorCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// How often, and how far apart, a holder's text is looked at that is not written yet.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// How often a lock file may vanish under us before that is taken for a fault.
const ATTEMPTS: u32 = 100;

/// How long a run waits for one of its own process that only cleans up any more.
const CLEANUP_LIMIT: Duration = Duration::from_mins(3);

/// The locks of this process whose runs have ended and only clean up, and what tells when each is free.
static ENDING: Mutex<BTreeMap<FileId, CancellationToken>> = Mutex::new(BTreeMap::new());

fn ending() -> MutexGuard<'static, BTreeMap<FileId, CancellationToken>> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

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
            host: host_name(),
            started_at: now.format(&Rfc3339).unwrap_or_else(|_| now.to_string()),
            run_id: run_id.into(),
        }
    }
}

/// Holds a stage until its last clone is dropped or the process ends, however it ends.
///
/// It is a lock of the operating system on `.gkm/deploy-{stage}.lock`. The file is never deleted; its text says who holds
/// the lock and decides nothing. Two locks of one process exclude each other as well. Child processes do not inherit it.
/// It covers one machine; a folder that several machines share is covered as far as its file system shares locks.
///
/// What still writes to the stage's files when its run has ended keeps a clone, so that no next run begins beside it.
#[derive(Debug, Clone)]
pub struct StageLock(Arc<Held>);

#[derive(Debug)]
struct Held {
    file: File,
    id: FileId,
    files: StageFiles,
    owner: LockOwner,
    /// Fires when the lock is free again.
    released: CancellationToken,
}

impl StageLock {
    /// Takes the lock of `stage` in the workspace at `root`, or fails at once.
    ///
    /// A run of this process that has ended and only cleans up ([`StageLock::end`]) is waited for, three minutes at the
    /// most. Dropping the future frees what it may have taken.
    ///
    /// # Errors
    ///
    /// `STATE_LOCKED` when another run holds it, saying which since when; `STATE_IO` when the file cannot be made or the
    /// file system knows no locks; `INVALID_REQUEST` when the name cannot be part of a file name.
    pub async fn acquire(root: &Path, stage: &str, owner: LockOwner) -> Result<Self, DeployError> {
        let files = StageFiles::new(root, stage)?;
        let deadline = Instant::now() + CLEANUP_LIMIT;
        loop {
            let (files, owner) = (files.clone(), owner.clone());
            let (error, ending) = match blocking(move || acquire(&files, &owner)).await? {
                Attempt::Taken(lock) => return Ok(lock),
                Attempt::Refused { error, ending } => (error, ending),
            };
            let Some(released) = ending else { return Err(error) };
            if timeout_at(deadline, released.cancelled()).await.is_err() {
                return Err(error);
            }
        }
    }

    /// Who holds it: us.
    pub fn owner(&self) -> &LockOwner {
        &self.0.owner
    }

    /// Says that the run has ended and only cleans up: from now on a next run of this process waits for that.
    ///
    /// What is returned fires when the lock is free.
    pub fn end(&self) -> CancellationToken {
        ending().insert(self.0.id, self.0.released.clone());
        self.0.released.clone()
    }

    /// The files that it protects.
    pub(super) fn files(&self) -> &StageFiles {
        &self.0.files
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Held, so that who is refused finds the entry of the one who holds the lock, and never misses both.
        let mut ending = ending();
        // The text would name us while the next owner has not written its own yet.
        let _ = self.file.set_len(0);
        // Said explicitly: a child that is between its fork and its exec still has the file open.
        let _ = self.file.unlock();
        ending.remove(&self.id);
        drop(ending);
        self.released.cancel();
    }
}

/// What became of an attempt to take a lock.
enum Attempt {
    Taken(StageLock),
    Refused {
        error: DeployError,
        /// Fires when the lock is free, if a run of this process holds it that only cleans up.
        ending: Option<CancellationToken>,
    },
}

fn acquire(files: &StageFiles, owner: &LockOwner) -> Result<Attempt, DeployError> {
    let path = files.lock();
    let failed = |error: &io::Error| io_error("lock", &path, error);
    file::prepare_folder(files.folder()).map_err(|error| failed(&error))?;
    for _ in 0..ATTEMPTS {
        let mut options = file::open_options();
        let mut file = options.write(true).create(true).open(&path).map_err(|error| failed(&error))?;
        file::check_regular(&file).map_err(|error| failed(&error))?;
        let id = id_of(&file, &path).map_err(|error| failed(&error))?;
        let (locked, ending) = {
            let ending = ending();
            (file.try_lock(), ending.get(&id).cloned())
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Ok(Attempt::Refused { error: refused(files, &mut file), ending });
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // Someone may have deleted the folder in between; a lock on a file that is gone keeps nobody out.
        if id_at(&path).ok().as_ref() != Some(&id) {
            continue;
        }
        write_owner(&mut file, owner).map_err(|error| failed(&error))?;
        let (files, owner, released) = (files.clone(), owner.clone(), CancellationToken::new());
        return Ok(Attempt::Taken(StageLock(Arc::new(Held { file, id, files, owner, released }))));
    }
    Err(failed(&io::Error::other("it is deleted again and again")))
}

fn write_owner(file: &mut File, owner: &LockOwner) -> io::Result<()> {
    let mut text = serde_json::to_vec(owner)?;
    text.push(b'\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

/// The error of a lock that another run holds.
fn refused(files: &StageFiles, file: &mut File) -> DeployError {
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
