//! Adds what stands in code that did not run to what was captured, and judges whether something may still be missing.

use super::origins::is_variable_like;
use super::protocol::{Record, TargetKind};
use super::requirement::{Evidence, EvidenceSource};
use super::source::{Import, Request, Source};
use super::source_reader::read;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Longer files are bundles that somebody else has made; they are not read.
const LONGEST: u64 = 4 * 1024 * 1024;
/// How far the line of a request may lie from where it was captured: a call chain may span lines.
const SAME_PLACE: u32 = 2;
/// How many files that were not loaded are read at most.
const MOST_FILES: usize = 500;

/// What code that did not run would have asked for.
#[derive(Debug, Default)]
pub(super) struct Unexecuted {
    /// What it asks for, with files as they are on disk.
    pub(super) found: Vec<Found>,
    /// What it reads from `process.env`.
    pub(super) direct_reads: Vec<(String, PathBuf, u32)>,
    /// Whether modules that were loaded and not evaluated to their end may ask for what nobody can read from them.
    pub(super) unknown: bool,
    /// Whether modules that were loaded and not evaluated to their end ask for something that was not captured.
    pub(super) cut_off: bool,
    /// The module that was being evaluated when the run ended, where it can be told.
    pub(super) stopped_at: Option<PathBuf>,
}

/// A request in code that did not run.
#[derive(Debug)]
pub(super) struct Found {
    name: String,
    file: PathBuf,
    line: u32,
    optional: bool,
    reason: Option<&'static str>,
}

impl Found {
    pub(super) fn evidence(&self, shown: impl Fn(&Path) -> String) -> Evidence {
        Evidence {
            name: self.name.clone(),
            source: EvidenceSource::Source,
            file: Some(shown(&self.file)),
            line: Some(self.line),
            optional: self.optional,
            reason: self.reason.filter(|_| self.optional).map(str::to_owned),
        }
    }
}

/// Reads the workspace's files that a run loaded, and those that they would load later.
pub(super) fn inspect(records: &[Record], root: &Path) -> Unexecuted {
    let captured = captured(records);
    let mut names = Names { services: Services::of(records), aliases: BTreeMap::new() };
    let loaded: BTreeSet<&Path> = records.iter().filter_map(loaded_file).collect();
    let finished: BTreeSet<&Path> = records
        .iter()
        .filter_map(|record| match record {
            Record::Finished { file } => Some(file.as_path()),
            _ => None,
        })
        .collect();
    let mut unexecuted = Unexecuted::default();
    let mut later = Vec::new();
    let sources: Vec<_> = loaded.iter().filter_map(|file| Some((*file, source_of(file)?))).collect();
    for (_, source) in &sources {
        names.add(source);
    }
    for (file, source) in &sources {
        let cut_off = !finished.contains(file);
        unexecuted
            .direct_reads
            .extend(source.direct_reads.iter().map(|(name, line)| (name.clone(), file.to_path_buf(), *line)));
        for request in &source.requests {
            if captured.contains(file, request) {
                continue;
            }
            unexecuted.cut_off |= cut_off;
            // A branch that was not taken is not taken either where the app is deployed with the same variables.
            let branch = !cut_off && !request.in_function && !source.splits;
            unexecuted.found.extend(names.found(request, file, branch));
        }
        if cut_off && unexecuted.stopped_at.is_none() {
            let mut targets =
                source.imports.iter().filter(|import| !import.dynamic).filter_map(|it| resolve(it, file, root));
            let began = targets.all(|target| !loaded.contains(target.as_path()) || finished.contains(target.as_path()));
            unexecuted.stopped_at = began.then(|| file.to_path_buf());
        }
        for import in &source.imports {
            if let Some(target) = resolve(import, file, root).filter(|target| !loaded.contains(target.as_path())) {
                let needed = cut_off || import.in_function || source.splits;
                unexecuted.unknown |= cut_off && import.dynamic;
                if import.dynamic || cut_off {
                    later.push((target, needed));
                }
            }
        }
        unexecuted.unknown |= cut_off && source.opaque;
    }
    follow(later, &loaded, root, &mut names, &mut unexecuted);
    unexecuted
}

/// Reads the files that would be loaded later, and what they load in turn.
fn follow(
    mut later: Vec<(PathBuf, bool)>,
    loaded: &BTreeSet<&Path>,
    root: &Path,
    names: &mut Names<'_>,
    unexecuted: &mut Unexecuted,
) {
    let mut seen: BTreeMap<PathBuf, bool> = BTreeMap::new();
    while let Some((file, needed)) = later.pop() {
        let known = seen.get(&file).copied();
        if known == Some(true) || known == Some(needed) || seen.len() >= MOST_FILES {
            continue;
        }
        seen.insert(file.clone(), needed);
        let Some(source) = source_of(&file) else { continue };
        names.add(&source);
        unexecuted.found.extend(source.requests.iter().flat_map(|request| names.found(request, &file, !needed)));
        let targets = source.imports.iter().filter_map(|import| resolve(import, &file, root));
        later.extend(targets.filter(|target| !loaded.contains(target.as_path())).map(|target| (target, needed)));
    }
}

/// What tells variables from other names.
struct Names<'a> {
    services: Services<'a>,
    aliases: BTreeMap<String, BTreeSet<String>>,
}

impl Names<'_> {
    fn add(&mut self, source: &Source) {
        for (alias, variable) in &source.aliases {
            self.aliases.entry(alias.clone()).or_default().insert(variable.clone());
        }
    }

    /// What a request that did not run asks for: the variables that its key stands for.
    fn found(&self, request: &Request, file: &Path, branch: bool) -> Vec<Found> {
        let unused = request.service.as_deref().is_some_and(|service| self.services.are_without(service));
        let reason = match (request.optional, unused) {
            (true, _) => "its schema accepts absence",
            (false, true) => "asked for by a service that no construct uses",
            (false, false) => "in a branch that did not run",
        };
        let found = |name: &String| Found {
            name: name.clone(),
            file: file.to_path_buf(),
            line: request.line,
            optional: request.optional || branch || unused,
            reason: Some(reason),
        };
        match self.aliases.get(&request.name).filter(|_| !is_variable_like(&request.name)) {
            Some(variables) => variables.iter().map(found).collect(),
            None => vec![found(&request.name)],
        }
    }
}

/// The services that the constructs of a route app use; unknown of other apps.
struct Services<'a>(Option<BTreeSet<&'a str>>);

impl<'a> Services<'a> {
    fn of(records: &'a [Record]) -> Self {
        let is_route = |record: &Record| matches!(record, Record::Started { kind: TargetKind::Routes, .. });
        let used = records.iter().filter_map(|record| match record {
            Record::Uses { service } => Some(service.as_str()),
            _ => None,
        });
        Self(records.iter().any(is_route).then(|| used.collect()))
    }

    /// Whether it is certain that no construct uses a service.
    fn are_without(&self, service: &str) -> bool {
        self.0.as_ref().is_some_and(|used| !used.contains(service))
    }
}

fn loaded_file(record: &Record) -> Option<&Path> {
    match record {
        Record::Loaded { file } => Some(file),
        _ => None,
    }
}

/// Where names were captured.
struct Captured<'a>(BTreeMap<(&'a str, &'a Path), Vec<u32>>);

impl Captured<'_> {
    fn contains(&self, file: &Path, request: &Request) -> bool {
        let lines = self.0.get(&(request.name.as_str(), file));
        lines.is_some_and(|lines| lines.iter().any(|line| line.abs_diff(request.line) <= SAME_PLACE))
    }
}

fn captured(records: &[Record]) -> Captured<'_> {
    let mut places: BTreeMap<(&str, &Path), Vec<u32>> = BTreeMap::new();
    for record in records {
        if let Record::Asked { name, file: Some(file), line: Some(line), .. } = record {
            places.entry((name, file)).or_default().push(*line);
        }
    }
    Captured(places)
}

fn source_of(file: &Path) -> Option<Source> {
    let extension = file.extension()?.to_str()?;
    if !EXTENSIONS.contains(&extension) || std::fs::metadata(file).ok()?.len() > LONGEST {
        return None;
    }
    Some(read(&std::fs::read_to_string(file).ok()?, file))
}

const EXTENSIONS: [&str; 8] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];

/// The file of the workspace that a relative specifier names.
fn resolve(import: &Import, from: &Path, root: &Path) -> Option<PathBuf> {
    let specifier = import.specifier.split('?').next().filter(|specifier| specifier.starts_with('.'))?;
    let base = from.parent()?.join(specifier);
    let stem = base.extension().filter(|extension| matches!(extension.to_str(), Some("js" | "mjs" | "cjs" | "jsx")));
    let replaced = EXTENSIONS.iter().filter(|_| stem.is_some()).map(|extension| base.with_extension(extension));
    let appended = EXTENSIONS.iter().map(|extension| PathBuf::from(format!("{}.{extension}", base.display())));
    let index = EXTENSIONS.iter().map(|extension| base.join(format!("index.{extension}")));
    let file =
        std::iter::once(base.clone()).chain(replaced).chain(appended).chain(index).find(|file| file.is_file())?;
    let file = file.canonicalize().ok()?;
    (file.starts_with(root) && !file.components().any(|part| part.as_os_str() == "node_modules")).then_some(file)
}
