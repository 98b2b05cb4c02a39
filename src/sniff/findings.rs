//! Turns what a worker reported into requirements, evidence and, where it did not run to its end, a failure.

use super::records::{Record, Thrown, ThrownPhase};
use super::source::may_ask_for_more;
use super::subprocess::{Ending, Run};
use super::{Evidence, EvidenceSource, SniffFailure, SniffedEntry};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How long a message of the app may be.
const LONGEST_MESSAGE: usize = 2_000;

/// What a run found.
pub(super) fn gather(run: &Run, root: &Path) -> SniffedEntry {
    let mut evidence = requests(&run.records, root);
    let mut optional: BTreeMap<String, bool> = BTreeMap::new();
    for found in &evidence {
        *optional.entry(found.name.clone()).or_insert(true) &= found.optional;
    }
    evidence.extend(direct_reads(&run.records, root));
    let env_vars: Vec<String> = optional.keys().cloned().collect();
    let optional_env_vars = optional.iter().filter(|(_, optional)| **optional).map(|(name, _)| name.clone()).collect();
    let error = failure(run, root, &env_vars);
    SniffedEntry { env_vars, optional_env_vars, error, evidence }
}

/// What was asked of envkit, each place once. A request is optional when every schema made of it accepts absence.
fn requests(records: &[Record], root: &Path) -> Vec<Evidence> {
    let mut verdicts: BTreeMap<u64, (bool, Option<&String>)> = BTreeMap::new();
    for record in records {
        if let Record::Judged { id, optional, reason } = record {
            let verdict = verdicts.entry(*id).or_insert((true, reason.as_ref()));
            verdict.0 &= optional;
        }
    }
    let mut evidence: Vec<Evidence> = Vec::new();
    for record in records {
        let found = match record {
            Record::Asked { id, name, file, line } => {
                let (optional, reason) = verdicts.get(id).copied().unwrap_or((false, None));
                Evidence {
                    name: name.clone(),
                    source: EvidenceSource::Envkit,
                    file: file.as_deref().map(|file| shown(file, root)),
                    line: *line,
                    optional,
                    reason: reason.filter(|_| optional).cloned(),
                }
            }
            Record::Declared { name, file, optional } => Evidence {
                name: name.clone(),
                source: EvidenceSource::Construct,
                file: file.as_deref().map(|file| shown(file, root)),
                line: None,
                optional: *optional,
                reason: optional.then(|| "marked optional by the construct".to_owned()),
            },
            _ => continue,
        };
        if !evidence.contains(&found) {
            evidence.push(found);
        }
    }
    evidence
}

/// What the app's own files read from `process.env` by themselves.
fn direct_reads(records: &[Record], root: &Path) -> Vec<Evidence> {
    records
        .iter()
        .filter_map(|record| match record {
            Record::ReadEnv { name, file, line } => Some(Evidence {
                name: name.clone(),
                source: EvidenceSource::ProcessEnv,
                file: file.as_deref().map(|file| shown(file, root)),
                line: *line,
                optional: true,
                reason: Some("read from process.env directly".to_owned()),
            }),
            _ => None,
        })
        .collect()
}

/// A path as people know it: relative to the workspace.
fn shown(file: &Path, root: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned()
}

/// Why the run did not load everything, if so.
fn failure(run: &Run, root: &Path, captured: &[String]) -> Option<SniffFailure> {
    let thrown = run.records.iter().find_map(|record| match record {
        Record::Threw(thrown) if thrown.phase == ThrownPhase::Evaluation => Some(thrown),
        _ => None,
    });
    let started = run.records.iter().filter(|record| matches!(record, Record::Started { .. })).count();
    let settled = run.records.iter().filter(|record| matches!(record, Record::Settled { .. })).count();
    let partial = !captured.is_empty();
    if let Some(thrown) = thrown {
        let kind = kind_of(thrown);
        let fatal = kind != "threw" || incomplete(run, captured);
        return Some(SniffFailure {
            kind: kind.to_owned(),
            message: shortened(&described(thrown)),
            stack: stack(thrown, root),
            partial,
            fatal,
        });
    }
    if started > 0 && started == settled {
        return None;
    }
    let (kind, message) = unsettled(run);
    let fatal = started == 0 || incomplete(run, captured);
    Some(SniffFailure { kind: kind.to_owned(), message: shortened(&message), stack: None, partial, fatal })
}

/// How a run ended that neither settled nor threw.
fn unsettled(run: &Run) -> (&'static str, String) {
    let drained = run.records.contains(&Record::Drained);
    match run.ending {
        Ending::Deadline => ("deadline", "It did not finish loading before the deadline".to_owned()),
        Ending::Exited(_) if drained => ("exited", "It ended while a top-level await was pending".to_owned()),
        Ending::Exited(status) => match status.code() {
            Some(code) => {
                ("exited", format!("It ended itself with exit code {code} while it was loading{}", said(run)))
            }
            None => ("crashed", format!("It was ended by a signal while it was loading ({status}){}", said(run))),
        },
    }
}

/// The last line that it wrote to its standard error.
fn said(run: &Run) -> String {
    run.stderr
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .map(|line| format!(": {}", line.trim()))
        .unwrap_or_default()
}

fn kind_of(thrown: &Thrown) -> &'static str {
    match thrown.code.as_deref() {
        Some("SNIFF_NO_TYPESCRIPT") => return "no-typescript",
        Some("SNIFF_NO_EXPORT") => return "no-export",
        Some(
            "ERR_MODULE_NOT_FOUND"
            | "MODULE_NOT_FOUND"
            | "ERR_PACKAGE_PATH_NOT_EXPORTED"
            | "ERR_PACKAGE_IMPORT_NOT_DEFINED"
            | "ERR_UNSUPPORTED_DIR_IMPORT"
            | "ERR_UNKNOWN_FILE_EXTENSION",
        ) => return "unresolved-import",
        _ => {}
    }
    if !thrown.syntax {
        return "threw";
    }
    if thrown.message.contains("does not provide an export named") { "unresolved-import" } else { "syntax" }
}

fn described(thrown: &Thrown) -> String {
    let place = thrown.place.as_deref().filter(|place| thrown.syntax && place.starts_with("file:"));
    let message = format!("{}: {}", thrown.name, thrown.message);
    place.map_or_else(|| message.clone(), |place| format!("{message} ({place})"))
}

fn stack(thrown: &Thrown, root: &Path) -> Option<String> {
    let lines: Vec<String> = thrown
        .stack
        .iter()
        .map(|frame| {
            let place = format!("{}:{}", shown(&frame.file, root), frame.line);
            if frame.call.is_empty() { format!("at {place}") } else { format!("at {} ({place})", frame.call) }
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

/// Whether what did not run may have asked for variables that were not captured.
fn incomplete(run: &Run, captured: &[String]) -> bool {
    let known: BTreeSet<&str> = captured.iter().map(String::as_str).collect();
    let finished: BTreeSet<&PathBuf> = files(&run.records, |record| match record {
        Record::Finished { file } => Some(file),
        _ => None,
    });
    let loaded = files(&run.records, |record| match record {
        Record::Loaded { file } => Some(file),
        _ => None,
    });
    loaded
        .difference(&finished)
        .any(|file| std::fs::read_to_string(file).map_or(true, |text| may_ask_for_more(&text, &known)))
}

fn files(records: &[Record], pick: impl Fn(&Record) -> Option<&PathBuf>) -> BTreeSet<&PathBuf> {
    records.iter().filter_map(pick).collect()
}
