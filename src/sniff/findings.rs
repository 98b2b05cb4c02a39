//! Turns what a worker reported into requirements and their evidence.

use super::app_paths::shown;
use super::failure::{failure, hint};
use super::fallback::always_read;
use super::mentions::Lack;
use super::origins::{Origins, is_variable_like};
use super::protocol::{Record, ValueSource};
use super::requirement::{Evidence, EvidenceSource, SniffedEntry};
use super::unexecuted::{Unexecuted, inspect};
use super::worker::Run;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was learnt beside the run that counts.
pub(super) struct Learnt<'a> {
    /// Where the values of a parser's keys come from.
    pub(super) origins: Origins,
    /// The variables without which the app does not load.
    pub(super) lacks: Vec<Lack>,
    /// What other runs reported.
    pub(super) earlier: &'a [Record],
}

/// What a run found.
pub(super) fn gather(run: &Run, root: &Path, learnt: &Learnt<'_>) -> SniffedEntry {
    let unexecuted = inspect(&run.records, root);
    let mut evidence = requests(&run.records, &learnt.origins, root);
    for found in &unexecuted.found {
        push_new(&mut evidence, found.evidence(|file| shown(file, root)));
    }
    for found in needed_reads(run, learnt, root) {
        push_new(&mut evidence, found);
    }
    let mut optional: BTreeMap<String, bool> = BTreeMap::new();
    for found in &evidence {
        *optional.entry(found.name.clone()).or_insert(true) &= found.optional;
    }
    for found in direct_reads(&run.records, learnt.earlier, &unexecuted, root) {
        if !evidence.iter().any(|known| same_place(known, &found)) {
            push_new(&mut evidence, found);
        }
    }
    let env_vars: Vec<String> = optional.keys().cloned().collect();
    let optional_env_vars = optional.iter().filter(|(_, optional)| **optional).map(|(name, _)| name.clone()).collect();
    let error = failure(run, root, !env_vars.is_empty(), &unexecuted);
    let mut entry = SniffedEntry { env_vars, optional_env_vars, error, evidence };
    let required = entry.required_env_vars();
    if let Some(failure) = &mut entry.error {
        failure.hint = Some(hint(failure, &required));
    }
    entry
}

fn push_new(evidence: &mut Vec<Evidence>, found: Evidence) {
    if !evidence.contains(&found) {
        evidence.push(found);
    }
}

/// Whether it is known of a read from `process.env` that it is needed.
fn same_place(known: &Evidence, read: &Evidence) -> bool {
    known.source == EvidenceSource::ProcessEnv
        && (&known.name, &known.file, known.line) == (&read.name, &read.file, read.line)
}

/// What was asked of envkit, each place once. A request is optional when every schema made of it accepts absence.
fn requests(records: &[Record], origins: &Origins, root: &Path) -> Vec<Evidence> {
    let verdicts = verdicts(records);
    let mut evidence = Vec::new();
    for record in records {
        match record {
            Record::Asked { id, name, source, origins: shown_origins, file, line } => {
                let found = match source {
                    ValueSource::Variable => None,
                    _ if !shown_origins.is_empty() => Some(shown_origins),
                    _ => origins.of_key(name, file.as_ref(), *line),
                };
                // A constant that the app gives by a name of its own is no variable.
                let is_constant = *source == ValueSource::Given && !is_variable_like(name);
                let own = if is_constant { &[][..] } else { std::slice::from_ref(name) };
                let (optional, reason) = verdicts.get(id).copied().unwrap_or((false, None));
                for variable in found.map_or(own, Vec::as_slice) {
                    let place = (file.as_deref(), *line);
                    push_new(&mut evidence, asked(variable, place, optional, reason, root));
                }
            }
            Record::Declared { name, file, optional } => {
                push_new(&mut evidence, declared(name, file.as_deref(), *optional, root));
            }
            _ => {}
        }
    }
    evidence
}

/// What the schemas of each request say of absence, and why.
fn verdicts(records: &[Record]) -> BTreeMap<u64, (bool, Option<&String>)> {
    let mut verdicts = BTreeMap::new();
    for record in records {
        if let Record::Judged { id, optional, reason } = record {
            let verdict = verdicts.entry(*id).or_insert((true, reason.as_ref()));
            verdict.0 &= optional;
        }
    }
    verdicts
}

fn asked(
    name: &str,
    (file, line): (Option<&Path>, Option<u32>),
    optional: bool,
    reason: Option<&String>,
    root: &Path,
) -> Evidence {
    Evidence {
        name: name.to_owned(),
        source: EvidenceSource::Envkit,
        file: file.map(|file| shown(file, root)),
        line,
        optional,
        reason: reason.filter(|_| optional).cloned(),
    }
}

fn declared(name: &str, file: Option<&Path>, optional: bool, root: &Path) -> Evidence {
    Evidence {
        name: name.to_owned(),
        source: EvidenceSource::Construct,
        file: file.map(|file| shown(file, root)),
        line: None,
        optional,
        reason: optional.then(|| "marked optional by the construct".to_owned()),
    }
}

/// What is read from `process.env` and cannot be absent: the app does not load without it, or always loads what reads it.
fn needed_reads(run: &Run, learnt: &Learnt<'_>, root: &Path) -> Vec<Evidence> {
    let lacks = learnt.lacks.iter().map(|lack| (lack.name.clone(), lack.file.clone(), lack.line));
    let always = always_read(&run.records).into_iter().map(|(name, file, line)| (name, Some(file), Some(line)));
    let needed = lacks.chain(always).map(|(name, file, line)| read(name, file.as_deref(), line, false, root));
    needed.collect()
}

/// What the app's own files read from `process.env` by themselves, or would.
fn direct_reads(records: &[Record], earlier: &[Record], unexecuted: &Unexecuted, root: &Path) -> Vec<Evidence> {
    let seen = records.iter().chain(earlier).filter_map(|record| match record {
        Record::ReadEnv { name, file, line } => Some((name.clone(), file.clone(), *line)),
        _ => None,
    });
    let later = |(name, file, line): &(String, PathBuf, u32)| (name.clone(), Some(file.clone()), Some(*line));
    let written = unexecuted.direct_reads.iter().map(later);
    seen.chain(written).map(|(name, file, line)| read(name, file.as_deref(), line, true, root)).collect()
}

fn read(name: String, file: Option<&Path>, line: Option<u32>, optional: bool, root: &Path) -> Evidence {
    Evidence {
        name,
        source: EvidenceSource::ProcessEnv,
        file: file.map(|file| shown(file, root)),
        line,
        optional,
        reason: optional.then(|| "read from process.env directly".to_owned()),
    }
}
