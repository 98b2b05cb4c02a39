//! Files that an app runs in other processes or threads, or loads later by names that only the worker can resolve.

use super::app_paths::{AppPaths, shown};
use super::path_values::{Anchor, is_code};
use super::protocol::{Record, Target, TargetKind};
use super::source::{Import, Reference, ReferenceName, Source};
use super::source_reader::read;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// How far the line of a call may lie from where it was seen to run.
const SAME_PLACE: u32 = 2;

/// What an app runs beside itself, as far as it is known.
pub(super) struct Offshoots<'a> {
    paths: &'a AppPaths,
    loaded: BTreeSet<PathBuf>,
    named: BTreeSet<PathBuf>,
    /// What is run and not there, or of which nothing tells the name: file, line and, where it is known, the name.
    unfollowed: Vec<(PathBuf, u32, Option<PathBuf>)>,
}

impl<'a> Offshoots<'a> {
    pub(super) fn of(paths: &'a AppPaths) -> Self {
        Self { paths, loaded: BTreeSet::new(), named: BTreeSet::new(), unfollowed: Vec::new() }
    }

    /// What the files that a run has loaded name, and that was not named before.
    pub(super) fn next(&mut self, records: &[Record]) -> Vec<Target> {
        let before = self.loaded.clone();
        self.loaded.extend(records.iter().filter_map(|record| match record {
            Record::Loaded { file } => Some(file.clone()),
            _ => None,
        }));
        let mut targets = Vec::new();
        for record in records {
            if let Record::Offshoot { target, .. } | Record::Later { file: target } = record {
                targets.extend(self.target(target.clone(), None, None));
            }
        }
        let files: Vec<PathBuf> = self.loaded.difference(&before).cloned().collect();
        for file in files {
            if let Some(source) = source_of(&file) {
                targets.extend(self.references(&file, &source));
                targets.extend(self.imports(&file, &source));
                self.note_unfollowed(&file, &source, records);
            }
        }
        targets
    }

    fn references(&mut self, file: &Path, source: &Source) -> Vec<Target> {
        let mut targets = Vec::new();
        for reference in &source.references {
            match &reference.name {
                ReferenceName::Path(anchor, path) => targets.extend(self.path(file, reference, *anchor, path)),
                ReferenceName::Package(name) if !is_installed(name, file) => {
                    targets.extend(self.target(file.with_file_name(name), Some(name.clone()), Some(file)));
                }
                ReferenceName::Package(_) => {}
            }
        }
        targets
    }

    fn path(&mut self, file: &Path, reference: &Reference, anchor: Anchor, path: &str) -> Option<Target> {
        let folder = match anchor {
            Anchor::SourceFolder => file.parent()?,
            Anchor::WorkingFolder => &self.paths.app,
        };
        let named = normalized(&folder.join(path));
        let is_named_by_stem = !is_code(path) && with_extensions(&named).any(|file| file.is_file());
        if path.contains('*') || !(is_code(path) || is_named_by_stem) || !named.starts_with(&self.paths.root) {
            return None;
        }
        if reference.is_run && !named.exists() {
            self.unfollowed.push((file.to_path_buf(), reference.line, Some(named.clone())));
        }
        self.target(named, None, Some(file))
    }

    /// What is imported inside functions under names for which only the worker knows a file.
    fn imports(&mut self, file: &Path, source: &Source) -> Vec<Target> {
        let is_later = |import: &&Import| import.dynamic && import.in_function;
        let later = source.imports.iter().filter(is_later).filter(|import| {
            !import.specifier.starts_with(['.', '/'])
                && !import.specifier.contains(':')
                && !is_installed(&import.specifier, file)
        });
        let names: Vec<String> = later.map(|import| import.specifier.clone()).collect();
        names.into_iter().filter_map(|name| self.target(file.with_file_name(&name), Some(name), Some(file))).collect()
    }

    fn target(&mut self, named: PathBuf, specifier: Option<String>, from: Option<&Path>) -> Option<Target> {
        let is_loaded = || with_extensions(&named).chain([named.clone()]).any(|file| self.loaded.contains(&file));
        if (specifier.is_none() && is_loaded()) || !self.named.insert(named.clone()) {
            return None;
        }
        Some(Target {
            kind: TargetKind::Offshoot,
            file: named,
            export: None,
            specifier,
            from: from.map(Path::to_path_buf),
        })
    }

    fn note_unfollowed(&mut self, file: &Path, source: &Source, records: &[Record]) {
        let ran = |line: u32| {
            records.iter().any(|record| {
                matches!(record, Record::Offshoot { file: Some(at), line: Some(seen), .. } if at == file && seen.abs_diff(line) <= SAME_PLACE)
            })
        };
        self.unfollowed
            .extend(source.unfollowed.iter().filter(|line| !ran(**line)).map(|line| (file.to_path_buf(), *line, None)));
    }

    /// The file that runs one which was not found, and what is told of it; `records` are those of the runs that looked for them.
    pub(super) fn unfollowed(&self, records: &[Record]) -> Option<(String, String)> {
        let is_missing =
            |named: &PathBuf| records.iter().any(|record| matches!(record, Record::NotFound { file } if file == named));
        let (file, line, named) = self.unfollowed.iter().find(|(_, _, named)| named.as_ref().is_none_or(is_missing))?;
        let file = shown(file, &self.paths.root);
        let told = match named {
            Some(named) => format!("{file}:{line} runs {}, which is not there", shown(named, &self.paths.root)),
            None => format!("{file}:{line} runs a file of which only running it tells the name"),
        };
        Some((file, told))
    }
}

/// The text of a file, where it may name other files.
fn source_of(file: &Path) -> Option<Source> {
    const SIGNS: [&str; 8] = ["__dirname", "__filename", "import.meta", "resolve", "cwd(", "fork", "Worker", "import("];
    if !is_code(&file.to_string_lossy()) {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    SIGNS.iter().any(|sign| text.contains(sign)).then(|| read(&text, file))
}

/// Whether a name is that of Node's own module or of an installed package, which is not the workspace's.
fn is_installed(name: &str, file: &Path) -> bool {
    let parts = if name.starts_with('@') { 2 } else { 1 };
    let package: Vec<&str> = name.split('/').take(parts).collect();
    let package = package.join("/");
    file.ancestors().skip(1).map(|folder| folder.join("node_modules").join(&package)).any(|folder| {
        folder.canonicalize().is_ok_and(|folder| folder.components().any(|part| part.as_os_str() == "node_modules"))
    })
}

/// The names that a file may have whose name is given without its extension, or with that of its output.
fn with_extensions(named: &Path) -> impl Iterator<Item = PathBuf> {
    let extensions = ["ts", "tsx", "mts", "cts", "js", "mjs", "cjs"];
    let stem = if named.extension().is_some() && is_code(&named.to_string_lossy()) {
        named.with_extension("")
    } else {
        named.to_path_buf()
    };
    extensions.into_iter().map(move |extension| PathBuf::from(format!("{}.{extension}", stem.display())))
}

/// A path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}
