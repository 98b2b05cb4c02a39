//! The journal of a stage: what we were doing when interrupted (I3, I4).

use super::format::{Entry, Intent, Outcome};
use super::location::{StageFiles, blocking, io_error};
use super::{StageLock, file};
use crate::system::write_all_at;
use crate::{DeployError, ErrorCode};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Records each change before it is made and what became of it after, in `.gkm/deploy-{stage}.journal`.
///
/// One JSON object a line, appended and made durable before [`Journal::intend`] returns; steps side by side share the
/// wait for the disk. A last line that was torn by a crash is as if it had not been written: what it announces had not
/// begun, what it settles is unknown. It keeps the stage's lock, so that a write that outlives its run never meets those
/// of the next.
#[derive(Debug, Clone)]
pub struct Journal {
    now: fn() -> OffsetDateTime,
    guard: Option<Arc<dyn ChangeGuard>>,
    log: Arc<Log>,
}

/// Says whether a run may still make changes.
pub trait ChangeGuard: std::fmt::Debug + Send + Sync {
    /// Makes sure that a change may be made now.
    ///
    /// # Errors
    ///
    /// Why it may not.
    fn check(&self) -> Result<(), DeployError>;
}

impl Journal {
    /// Opens the journal of the stage whose lock is held; `now` dates the entries.
    ///
    /// # Errors
    ///
    /// `STATE_CORRUPT` naming the line that is no entry, `STATE_IO` when the file cannot be read or made.
    pub async fn open(lock: &StageLock, now: fn() -> OffsetDateTime) -> Result<Self, DeployError> {
        let lock = lock.clone();
        let log = blocking(move || Log::open(lock)).await?;
        Ok(Self { now, guard: None, log: Arc::new(log) })
    }

    /// The same journal, in which no change is announced any more that `guard` refuses.
    #[must_use]
    pub fn guarded_by(self, guard: Arc<dyn ChangeGuard>) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// The same journal, which nothing guards.
    #[must_use]
    pub fn unguarded(&self) -> Self {
        Self { guard: None, ..self.clone() }
    }

    /// Reads what is unfinished without opening the journal or taking the lock; for `plan`, which writes nothing.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`]; `INVALID_REQUEST` when the name cannot be part of a file name.
    pub async fn peek(root: &Path, stage: &str) -> Result<Vec<Entry>, DeployError> {
        let path = StageFiles::new(root, stage)?.journal();
        blocking(move || Ok(read(&path)?.unfinished.into_values().map(|(entry, _)| entry).collect())).await
    }

    /// Records that a change is about to be made; it may be made when this has returned.
    ///
    /// When the future is dropped, the entry may or may not be there: unfinished, for a change that did not begin.
    ///
    /// # Errors
    ///
    /// `STATE_IO` when the entry cannot be made durable, and what the guard refuses it with; the change must not be made
    /// then.
    pub async fn intend(&self, step: impl Into<String>, intent: Intent) -> Result<Entry, DeployError> {
        let entry = self.announce(step, intent).await?;
        // Last, so that what the disk took does not count.
        if let Some(Err(refused)) = self.guard.as_ref().map(|guard| guard.check()) {
            self.settle(&entry, Outcome::NotDone).await?;
            return Err(refused);
        }
        Ok(entry)
    }

    async fn announce(&self, step: impl Into<String>, intent: Intent) -> Result<Entry, DeployError> {
        let now = (self.now)();
        let at = now.format(&Rfc3339).unwrap_or_else(|_| now.to_string());
        let step = step.into();
        self.with_log(move |log| log.intend(at, step, intent)).await
    }

    /// Records what became of a change. A change of which that is not known stays unfinished.
    ///
    /// It outlives the process when this has returned, and a power failure once the next change is announced or the
    /// journal compacted: until then the change counts as unfinished after one, and is looked for.
    ///
    /// # Errors
    ///
    /// `STATE_IO` when it cannot be written; the change then counts as unfinished.
    pub async fn settle(&self, entry: &Entry, outcome: Outcome) -> Result<(), DeployError> {
        let id = entry.id;
        self.with_log(move |log| log.settle(id, outcome)).await
    }

    /// The changes of which it is not known whether they happened, oldest first.
    ///
    /// # Errors
    ///
    /// None but `INTERNAL`.
    pub async fn unfinished(&self) -> Result<Vec<Entry>, DeployError> {
        self.with_log(|log| Ok(log.lines().unfinished.values().map(|(entry, _)| entry.clone()).collect())).await
    }

    /// Forgets every settled change; to be called at the end of a run. Unfinished ones stay.
    ///
    /// # Errors
    ///
    /// `STATE_IO` when the file cannot be replaced; it is as it was then.
    pub async fn compact(&self) -> Result<(), DeployError> {
        self.with_log(Log::compact).await
    }

    async fn with_log<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Log) -> Result<T, DeployError> + Send + 'static,
    ) -> Result<T, DeployError> {
        let log = Arc::clone(&self.log);
        blocking(move || work(&log)).await
    }
}

/// A line of the file.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Line<'a> {
    Intend(&'a Entry),
    Settle { id: u64, outcome: Outcome },
}

/// The open file, and what it says.
#[derive(Debug)]
struct Log {
    /// Kept, not used.
    _lock: StageLock,
    path: PathBuf,
    lines: Mutex<Lines>,
    /// Held while the disk is waited for, and before `lines`; those who wait for it find their line durable as well.
    durable: Mutex<Durable>,
}

/// What was written.
#[derive(Debug)]
struct Lines {
    file: Arc<File>,
    /// Where the last whole line ends.
    end: u64,
    next_id: u64,
    /// By number: the entry, and its line as it stands in the file.
    unfinished: BTreeMap<u64, (Entry, String)>,
}

/// What survives a power failure.
#[derive(Debug)]
struct Durable {
    /// Where the last durable line ends.
    end: u64,
    /// Why nothing further can be made durable: after a failure the system may forget what it could not write, and call
    /// the next attempt a success.
    failure: Option<DeployError>,
}

impl Log {
    fn open(lock: StageLock) -> Result<Self, DeployError> {
        let path = lock.files().journal();
        let Content { end, next_id, unfinished } = read(&path)?;
        let file = Arc::new(open_file(&path)?);
        let lines = Mutex::new(Lines { file, end, next_id, unfinished });
        Ok(Self { _lock: lock, path, lines, durable: Mutex::new(Durable { end, failure: None }) })
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn durable(&self) -> MutexGuard<'_, Durable> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intend(&self, at: String, step: String, intent: Intent) -> Result<Entry, DeployError> {
        let (entry, end) = {
            let mut lines = self.lines();
            let entry = Entry { id: lines.next_id, at, step, intent };
            let line = lines.append(&Line::Intend(&entry)).map_err(|error| self.unwritten(&error))?;
            lines.next_id += 1;
            lines.unfinished.insert(entry.id, (entry.clone(), line));
            (entry, lines.end)
        };
        self.make_durable(end)?;
        Ok(entry)
    }

    fn settle(&self, id: u64, outcome: Outcome) -> Result<(), DeployError> {
        let mut lines = self.lines();
        if !lines.unfinished.contains_key(&id) {
            return Ok(());
        }
        lines.append(&Line::Settle { id, outcome }).map_err(|error| self.unwritten(&error))?;
        lines.unfinished.remove(&id);
        Ok(())
    }

    /// Waits until the disk has the lines up to `end`, and whatever else was written by then.
    fn make_durable(&self, end: u64) -> Result<(), DeployError> {
        let mut durable = self.durable();
        if durable.end >= end {
            return Ok(());
        }
        if let Some(failure) = &durable.failure {
            return Err(failure.clone());
        }
        let (file, written) = {
            let lines = self.lines();
            (Arc::clone(&lines.file), lines.end)
        };
        match file.sync_data() {
            Ok(()) => {
                durable.end = written;
                Ok(())
            }
            Err(error) => Err(durable.failure.insert(self.unwritten(&error)).clone()),
        }
    }

    fn compact(&self) -> Result<(), DeployError> {
        let failed = |error: &io::Error| io_error("compact the journal", &self.path, error);
        let mut durable = self.durable();
        let mut lines = self.lines();
        if lines.end == 0 {
            return Ok(());
        }
        let text: String = lines.unfinished.values().map(|(_, line)| line.as_str()).collect();
        file::replace(&self.path, text.as_bytes()).map_err(|error| failed(&error))?;
        lines.file = Arc::new(open_file(&self.path)?);
        lines.end = text.len() as u64;
        *durable = Durable { end: lines.end, failure: None };
        Ok(())
    }

    fn unwritten(&self, error: &io::Error) -> DeployError {
        io_error("write the journal", &self.path, error)
    }
}

impl Lines {
    /// Adds a line after the last whole one, over whatever a failed write has left there.
    fn append(&mut self, line: &Line<'_>) -> io::Result<String> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        let written = self.file.set_len(self.end).and_then(|()| write_all_at(&self.file, text.as_bytes(), self.end));
        if let Err(error) = written {
            // Best effort: the next append, or the next start, cuts the rest off as well.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += text.len() as u64;
        Ok(text)
    }
}

fn open_file(path: &Path) -> Result<File, DeployError> {
    let failed = |error: &io::Error| io_error("open the journal", path, error);
    let file = file::open_options().write(true).create(true).open(path).map_err(|error| failed(&error))?;
    file::check_regular(&file).map_err(|error| failed(&error))?;
    if let Some(folder) = path.parent() {
        file::sync_folder(folder).map_err(|error| failed(&error))?;
    }
    Ok(file)
}

/// What a journal's file says.
#[derive(Debug)]
struct Content {
    end: u64,
    next_id: u64,
    unfinished: BTreeMap<u64, (Entry, String)>,
}

fn read(path: &Path) -> Result<Content, DeployError> {
    let bytes = file::read(path).map_err(|error| io_error("read the journal", path, &error))?.unwrap_or_default();
    parse(&bytes).map_err(|line| corrupt(path, line))
}

/// Reads the whole lines; the error is the number of the one that is no entry, from 1.
fn parse(bytes: &[u8]) -> Result<Content, usize> {
    let mut content = Content { end: 0, next_id: 1, unfinished: BTreeMap::new() };
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.last() != Some(&b'\n') {
            break;
        }
        apply(line, &mut content).ok_or(index + 1)?;
        content.end += line.len() as u64;
    }
    Ok(content)
}

/// Takes one line in; `None` when it is none of ours.
fn apply(line: &[u8], content: &mut Content) -> Option<()> {
    let text = std::str::from_utf8(line).ok()?;
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return None };
    if let Some(entry) = fields.remove("intend") {
        let entry: Entry = serde_json::from_value(entry).ok()?;
        content.next_id = content.next_id.max(entry.id.checked_add(1)?);
        content.unfinished.insert(entry.id, (entry, text.to_owned()));
    } else if let Some(settled) = fields.remove("settle") {
        // Whatever the outcome was, it is known.
        content.unfinished.remove(&settled.get("id")?.as_u64()?);
    }
    // A line of another kind is a later version's.
    Some(())
}

fn corrupt(path: &Path, line: usize) -> DeployError {
    let message = format!("The journal {} is damaged: line {line} is no entry", path.display());
    DeployError::new(ErrorCode::StateCorrupt, message).resource(path.display().to_string()).reason("journal").hint(
        "Look at the line. It tells of a change that an interrupted run may have made on the server: check that, see \
         that the database has no external port, then remove the line",
    )
}
