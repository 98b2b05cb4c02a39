//! The build context: which files are sent, as one stream that Docker's builders read, and its fingerprint (I9).

use super::ignore::{IgnoreRules, is_never_sent};
use crate::image::build::ImageBuild;
use crate::{DeployError, ErrorCode, system};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use tokio_util::sync::CancellationToken;
use walkdir::{DirEntry, WalkDir};

/// The user's rules, at the root of the context.
const IGNORE_FILE: &str = ".dockerignore";

/// The name in the context of a Dockerfile that lies outside of it.
const OUTSIDE_DOCKERFILE: &str = ".deploy-native.Dockerfile";

/// The files of a build, in a fixed order.
///
/// We make the stream ourselves, because then what must not be in an image is not sent, whatever the user's rules say
/// and whichever builder reads it, and no file of the user's changes. Rules come from `<Dockerfile>.dockerignore` where
/// it exists, else from `.dockerignore`. Neither of the two is sent, so that nothing is left out twice; the Dockerfile
/// always is.
#[derive(Debug)]
pub(in crate::image) struct BuildContext {
    pub(super) root: PathBuf,
    /// The content of the Dockerfile.
    pub(super) dockerfile: Vec<u8>,
    /// The path of the Dockerfile within the context.
    pub(in crate::image) dockerfile_name: PathBuf,
    pub(super) entries: Vec<Entry>,
    /// How many files and folders were kept back because they may hold secrets.
    pub(in crate::image) withheld: usize,
    pub(super) cancel: CancellationToken,
}

/// A file, folder or link of a context.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the context.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// The rights, without what kind of file it is.
    pub(super) mode: u32,
    /// When it was changed, in seconds.
    pub(super) modified: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File { size: u64 },
    Link { target: PathBuf },
}

impl BuildContext {
    /// Reads which files a build consists of; stops early when `cancel` says so.
    pub(in crate::image) fn read(build: &ImageBuild, cancel: CancellationToken) -> Result<Self, DeployError> {
        let dockerfile = read_dockerfile(build)?;
        if !build.context.is_dir() {
            let message = format!("The build context {} is not a folder", build.context.display());
            return Err(failed(build, message).reason("context-missing"));
        }
        let rules = read_rules(build)?;
        let plain = |path: &&Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        let inside = build.dockerfile.strip_prefix(&build.context).ok().filter(plain);
        let dockerfile_name = inside.unwrap_or(Path::new(OUTSIDE_DOCKERFILE)).to_owned();
        let root = build.context.clone();
        let mut context = Self { root, dockerfile, dockerfile_name, entries: Vec::new(), withheld: 0, cancel };
        context.walk(&rules).map_err(|error| {
            failed(build, format!("Cannot read the build context {}: {error}", build.context.display()))
                .reason("context-unreadable")
                .hint("Make its files readable, or name those that the image does not need in .dockerignore")
        })?;
        Ok(context)
    }

    fn walk(&mut self, rules: &IgnoreRules) -> io::Result<()> {
        // Folders that are left out, unless something below them is taken back in.
        let mut pending: Vec<Entry> = Vec::new();
        let mut walk = WalkDir::new(&self.root).min_depth(1).sort_by_file_name().into_iter();
        while let Some(found) = walk.next() {
            self.check_cancelled()?;
            let found = found?;
            let path = found.path().strip_prefix(&self.root).map_err(io::Error::other)?.to_owned();
            let name = system::slashed(&path).into_owned();
            pending.retain(|folder| path.starts_with(&folder.path));
            if is_never_sent(&name) {
                self.withheld += 1;
                skip(&found, &mut walk);
            } else if rules.excludes(&name) {
                if !rules.may_take_back_below(&name) {
                    skip(&found, &mut walk);
                } else if let Some(entry) = Entry::new(path, &found)? {
                    pending.push(entry);
                }
            } else if path != self.dockerfile_name
                && !self.is_rules_file(&path)
                && let Some(entry) = Entry::new(path, &found)?
            {
                self.entries.append(&mut pending);
                self.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Whether a path is one of the files with ignore rules.
    fn is_rules_file(&self, path: &Path) -> bool {
        path == Path::new(IGNORE_FILE) || path == with_ignore_ending(&self.dockerfile_name)
    }

    pub(super) fn check_cancelled(&self) -> io::Result<()> {
        if self.cancel.is_cancelled() { Err(io::Error::other("cancelled")) } else { Ok(()) }
    }
}

/// Does not look below a folder.
fn skip(found: &DirEntry, walk: &mut walkdir::IntoIter) {
    if found.file_type().is_dir() {
        walk.skip_current_dir();
    }
}

/// Keeps which file an error is about.
pub(super) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The error of a build whose files are not as they must be.
pub(in crate::image) fn failed(build: &ImageBuild, message: String) -> DeployError {
    DeployError::new(ErrorCode::ImageBuild, message).app(&build.app).resource(format!("image {}", build.reference))
}

pub(in crate::image) fn read_dockerfile(build: &ImageBuild) -> Result<Vec<u8>, DeployError> {
    fs::read(&build.dockerfile).map_err(|error| {
        let path = build.dockerfile.display();
        if error.kind() == ErrorKind::NotFound {
            return failed(build, format!("{}: the Dockerfile {path} does not exist", build.app))
                .reason("dockerfile-missing")
                .hint("Write it, for instance with `gkm docker`, or pass an image for the app in `images`");
        }
        failed(build, format!("{}: cannot read the Dockerfile {path}: {error}", build.app)).caused_by(&error)
    })
}

fn with_ignore_ending(dockerfile: &Path) -> PathBuf {
    let mut name = dockerfile.as_os_str().to_owned();
    name.push(IGNORE_FILE);
    PathBuf::from(name)
}

fn read_rules(build: &ImageBuild) -> Result<IgnoreRules, DeployError> {
    for path in [with_ignore_ending(&build.dockerfile), build.context.join(IGNORE_FILE)] {
        let unreadable = |fault: &dyn std::fmt::Display| {
            failed(build, format!("Cannot read {}: {fault}", path.display())).reason("ignore-file")
        };
        match fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                return IgnoreRules::parse(&text).map_err(|fault| unreadable(&fault));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
    Ok(IgnoreRules::default())
}

impl Entry {
    /// `None` for sockets, pipes and devices, which no image holds.
    fn new(path: PathBuf, found: &DirEntry) -> io::Result<Option<Self>> {
        let metadata: Metadata = found.metadata()?;
        let kind = if metadata.is_dir() {
            Kind::Folder
        } else if metadata.is_file() {
            Kind::File { size: metadata.len() }
        } else if metadata.is_symlink() {
            Kind::Link { target: fs::read_link(found.path()).map_err(|error| at(&path, &error))? }
        } else {
            return Ok(None);
        };
        let (mode, modified) = (system::mode(&metadata), system::modified(&metadata));
        Ok(Some(Self { path, kind, mode, modified }))
    }
}
