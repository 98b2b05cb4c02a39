//! What a build context consists of, byte by byte: its tar stream and its fingerprint.

use super::walk::{BuildContext, Entry, Kind, at};
use crate::image::build::ImageBuild;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Changes when equal files are to count as different ones.
const FINGERPRINT_VERSION: &[u8] = b"deploy-native image 1";

/// How much of a file is read at once.
const CHUNK: usize = 64 * 1024;

impl BuildContext {
    /// The fingerprint of the image: equal ones build equal images.
    ///
    /// It covers the Dockerfile, the paths, kinds, contents and executable bits of the files, the build arguments and
    /// the platform; neither times nor owners.
    pub(in crate::image) fn fingerprint(&self, build: &ImageBuild) -> io::Result<String> {
        let mut hash = Fingerprint::default();
        hash.part(FINGERPRINT_VERSION);
        hash.part(build.platform.as_bytes());
        for (name, value) in &build.build_args {
            hash.part(name.as_bytes());
            hash.part(value.as_bytes());
        }
        hash.part(b"files");
        hash.part(self.dockerfile_name.as_os_str().as_encoded_bytes());
        hash.part(&self.dockerfile);
        for entry in &self.entries {
            self.check_cancelled()?;
            hash.part(entry.path.as_os_str().as_encoded_bytes());
            match &entry.kind {
                Kind::Folder => hash.part(b"folder"),
                Kind::Link { target } => {
                    hash.part(b"link");
                    hash.part(target.as_os_str().as_encoded_bytes());
                }
                Kind::File { size } => {
                    hash.part(if entry.mode & 0o111 == 0 { b"file" } else { b"program" });
                    hash.length(*size);
                    self.copy(entry, *size, &mut hash)?;
                }
            }
        }
        Ok(hash.finish())
    }

    /// Writes the context as a tar stream. Everything belongs to root, as Docker's own client has it.
    pub(in crate::image) fn write_tar(&self, out: impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(out);
        let mut header = header(0o644, 0);
        header.set_size(self.dockerfile.len() as u64);
        tar.append_data(&mut header, &self.dockerfile_name, &self.dockerfile[..])?;
        for entry in &self.entries {
            self.append(&mut tar, entry)?;
        }
        tar.into_inner()?.flush()
    }

    fn append(&self, tar: &mut tar::Builder<impl Write>, entry: &Entry) -> io::Result<()> {
        let mut header = header(entry.mode, entry.modified);
        match &entry.kind {
            Kind::Folder => {
                header.set_entry_type(tar::EntryType::Directory);
                tar.append_data(&mut header, &entry.path, io::empty())
            }
            Kind::Link { target } => {
                header.set_entry_type(tar::EntryType::Symlink);
                tar.append_link(&mut header, &entry.path, target)
            }
            Kind::File { size } => {
                header.set_size(*size);
                let reader = Exact { file: self.open(entry)?, left: *size, path: &entry.path, cancel: &self.cancel };
                tar.append_data(&mut header, &entry.path, reader)
            }
        }
    }

    fn open(&self, entry: &Entry) -> io::Result<File> {
        File::open(self.root.join(&entry.path)).map_err(|error| at(&entry.path, &error))
    }

    fn copy(&self, entry: &Entry, size: u64, out: &mut impl Write) -> io::Result<()> {
        let mut reader = Exact { file: self.open(entry)?, left: size, path: &entry.path, cancel: &self.cancel };
        let mut chunk = vec![0; CHUNK];
        loop {
            match reader.read(&mut chunk)? {
                0 => return Ok(()),
                length => out.write_all(&chunk[..length])?,
            }
        }
    }
}

fn header(mode: u32, modified: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_mtime(modified);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

/// Reads as many bytes of a file as it had, and fails when they are no longer there.
struct Exact<'a> {
    file: File,
    left: u64,
    path: &'a Path,
    cancel: &'a CancellationToken,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let length = self.file.read(&mut buffer[..most]).map_err(|error| at(self.path, &error))?;
        if length == 0 {
            return Err(io::Error::other(format!("{} was changed while it was read", self.path.display())));
        }
        self.left -= length as u64;
        Ok(length)
    }
}

/// A hash of parts, each with its length before it, so that no two lists of parts look the same.
#[derive(Default)]
struct Fingerprint(Sha256);

impl Fingerprint {
    fn part(&mut self, bytes: &[u8]) {
        self.length(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn length(&mut self, length: u64) {
        self.0.update(length.to_le_bytes());
    }

    fn finish(self) -> String {
        format!("sha256:{}", hex::encode(self.0.finalize()))
    }
}

impl Write for Fingerprint {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
