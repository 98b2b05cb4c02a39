//! Files that must survive a crash: read without following links, replaced whole, private to their owner.

use crate::system;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::Builder;

/// How the names of temporary files end.
const TEMPORARY: &str = ".tmp";

/// A temporary file older than this belongs to a process that died while writing.
const LEFTOVER_AGE: Duration = Duration::from_mins(10);

/// Options that open a regular file of ours: never through a link, never waiting for the other end of a pipe.
pub(super) fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    system::expect_regular(options.read(true));
    options
}

/// Reads a file whole; `None` when there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match open_options().open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    check_regular(&file)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Refuses what is not a plain file: a folder, a pipe, a device.
pub(super) fn check_regular(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"))
}

/// Makes sure that `folder` exists and that only its owner may enter it.
///
/// A wider folder is tightened. Where it belongs to someone else that cannot be done; the files in it are private all
/// the same.
pub(super) fn prepare_folder(folder: &Path) -> io::Result<()> {
    match system::make_private_folder(folder) {
        Ok(()) => folder.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => tighten(folder),
        Err(error) => Err(error),
    }
}

/// Takes the rights of group and others away from a folder.
fn tighten(folder: &Path) -> io::Result<()> {
    match system::tighten(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Replaces a file: a reader, and a crash at any moment, finds the old content or the new one, whole (I5).
///
/// It is durable when this has returned. The folder must exist.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, prefix) = folder_and_prefix(path)?;
    let mut builder = Builder::new();
    let mut file = system::as_owner_only(builder.prefix(&prefix).suffix(TEMPORARY), false).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)?;
    remove_leftovers(folder, &prefix);
    Ok(())
}

/// Keeps what the file at `path` holds, `bytes`, as `kept` too, in place of what that was (I5).
///
/// The file gets a second name rather than a copy, so that no disk is waited for: it is durable with the next [`replace`]
/// in the folder. Where that cannot be, a copy is written.
pub(super) fn keep(path: &Path, kept: &Path, bytes: &[u8]) -> io::Result<()> {
    link(path, kept).or_else(|_| replace(kept, bytes))
}

/// Makes `second` a name of the file at `path`, in place of the file that it named.
fn link(path: &Path, second: &Path) -> io::Result<()> {
    let (folder, prefix) = folder_and_prefix(second)?;
    let linked = Builder::new().prefix(&prefix).suffix(TEMPORARY).make_in(folder, |name| fs::hard_link(path, name))?;
    system::tighten(linked.path())?;
    let linked = linked.into_temp_path();
    let name = linked.to_path_buf();
    linked.persist(second).map_err(|error| error.error)?;
    // Where both name one file already, renaming does nothing (POSIX).
    match fs::remove_file(name) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The folder of a file, and how the names of its temporary files begin.
fn folder_and_prefix(path: &Path) -> io::Result<(&Path, String)> {
    match (path.parent(), path.file_name().and_then(|name| name.to_str())) {
        (Some(folder), Some(name)) => Ok((folder, format!("{name}."))),
        (None, _) | (_, None) => Err(ErrorKind::InvalidInput.into()),
    }
}

/// Makes the entries of a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match system::sync_folder(folder) {
        // Some network and user-space file systems cannot do it and answer so; there is nothing further to ask for.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

/// Removes the temporary files of processes that died while writing; they hold secrets.
fn remove_leftovers(folder: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(TEMPORARY));
        if ours && is_old(&entry) {
            // What cannot be removed now is tried again at the next write.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether no living writer can still own a temporary file.
fn is_old(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > LEFTOVER_AGE))
}
