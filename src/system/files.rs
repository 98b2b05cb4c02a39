//! Files: who may read them, what they are, and when they are durable.
//!
//! Windows has no modes. A file there has the rights of its folder, which below a user's own folder are the user's alone.

use std::borrow::Cow;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;
use tempfile::Builder;

#[cfg(unix)]
use std::fs::{DirBuilder, Permissions};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
#[cfg(windows)]
use std::os::windows::fs::{FileExt, OpenOptionsExt};

/// Who may read a file of ours: its owner.
#[cfg(unix)]
const PRIVATE_FILE: u32 = 0o600;
/// Who may enter a folder of ours: its owner.
#[cfg(unix)]
const PRIVATE_FOLDER: u32 = 0o700;

/// Lets a file be made for its owner alone, and opened only if it is one itself: not through a link, and without waiting
/// for the other end of a pipe.
pub(crate) fn expect_regular(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(PRIVATE_FILE).custom_flags(flags.bits().cast_signed());
    }
    #[cfg(windows)]
    {
        // The link itself is opened, which is no regular file.
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
}

/// Whether a file was not opened because it is a link.
pub(crate) fn is_link_refusal(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
    }
    #[cfg(windows)]
    {
        let _ = error;
        false
    }
}

/// Lets what a builder makes be its owner's alone: a folder if `folder`, else a file.
#[cfg_attr(windows, expect(unused_variables, reason = "there are no modes"))]
pub(crate) fn as_owner_only<'a, 'b>(builder: &'a mut Builder<'b, 'b>, folder: bool) -> &'a mut Builder<'b, 'b> {
    #[cfg(unix)]
    builder.permissions(Permissions::from_mode(if folder { PRIVATE_FOLDER } else { PRIVATE_FILE }));
    builder
}

/// Makes a folder that only its owner may enter.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        DirBuilder::new().mode(PRIVATE_FOLDER).create(folder)
    }
    #[cfg(windows)]
    {
        fs::create_dir(folder)
    }
}

/// Takes the rights of group and others away from a file or folder.
#[cfg_attr(windows, expect(unused_variables, clippy::unnecessary_wraps, reason = "there are no modes"))]
pub(crate) fn tighten(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let mode = fs::metadata(path)?.permissions().mode();
        let private = mode & 0o7700;
        if mode & 0o7777 != private {
            fs::set_permissions(path, Permissions::from_mode(private))?;
        }
    }
    Ok(())
}

/// Makes the entries of a folder durable. Windows writes them with the files.
#[cfg_attr(windows, expect(unused_variables, clippy::unnecessary_wraps, reason = "folders cannot be synced"))]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        File::open(folder)?.sync_all()
    }
    #[cfg(windows)]
    {
        Ok(())
    }
}

/// Writes all of `bytes` at a place in a file.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        file.write_all_at(bytes, offset)
    }
    #[cfg(windows)]
    {
        let mut written = 0;
        while written < bytes.len() {
            match file.seek_write(&bytes[written..], offset + written as u64)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                length => written += length,
            }
        }
        Ok(())
    }
}

/// A file, whatever path leads to it: its device and its number there.
#[cfg(unix)]
pub(crate) type FileId = (u64, u64);
/// A file, by the path without links that leads to it.
#[cfg(windows)]
pub(crate) type FileId = std::path::PathBuf;

/// Which file was opened at `path`.
#[cfg_attr(unix, expect(unused_variables, reason = "the open file says it"))]
#[cfg_attr(windows, expect(unused_variables, reason = "the path says it"))]
pub(crate) fn id_of(file: &File, path: &Path) -> io::Result<FileId> {
    #[cfg(unix)]
    {
        file.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
    }
    #[cfg(windows)]
    {
        fs::canonicalize(path)
    }
}

/// Which file is at `path` now, itself and not what it links to.
pub(crate) fn id_at(path: &Path) -> io::Result<FileId> {
    #[cfg(unix)]
    {
        path.symlink_metadata().map(|metadata| (metadata.dev(), metadata.ino()))
    }
    #[cfg(windows)]
    {
        fs::canonicalize(path)
    }
}

/// The rights of a file, without what kind it is; on Windows those that Docker gives what comes from there.
#[cfg_attr(windows, expect(unused_variables, reason = "there are no modes"))]
pub(crate) fn mode(metadata: &Metadata) -> u32 {
    #[cfg(unix)]
    {
        metadata.mode() & 0o7777
    }
    #[cfg(windows)]
    {
        0o755
    }
}

/// When a file was changed, in seconds.
pub(crate) fn modified(metadata: &Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}

/// A path with slashes, as images have it.
pub(crate) fn slashed(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    #[cfg(windows)]
    let text = Cow::Owned(text.replace('\\', "/"));
    text
}

/// Makes `link` lead to the file or folder `target`. Where Windows does not allow that, it becomes a copy.
pub(crate) fn link(target: &Path, link: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(target, link)
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::{symlink_dir, symlink_file};
        if !target.is_dir() {
            return symlink_file(target, link).or_else(|_| fs::copy(target, link).map(drop));
        }
        symlink_dir(target, link).or_else(|_| {
            fs::create_dir(link)?;
            for entry in fs::read_dir(target)? {
                let entry = entry?;
                self::link(&entry.path(), &link.join(entry.file_name()))?;
            }
            Ok(())
        })
    }
}
