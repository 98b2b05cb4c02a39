//! Why a run did not load everything: what is told of it, and whether variables may be missing.

use super::app_paths::shown;
use super::protocol::{Record, TargetKind, Thrown, ThrownPhase};
use super::requirement::SniffFailure;
use super::unexecuted::Unexecuted;
use super::worker::{Ending, Run};
use std::path::Path;

/// How long a message of the app may be.
const LONGEST_MESSAGE: usize = 2_000;

/// Why the run did not load everything, if so.
///
/// It is fatal where variables may be missing: always when a file could not be parsed or resolved; else when a module that
/// was not evaluated to its end may ask for something that was not captured. An app that threw, exited or hung after
/// everything was asked (no database answered) is deployable.
pub(super) fn failure(run: &Run, root: &Path, partial: bool, unexecuted: &Unexecuted) -> Option<SniffFailure> {
    let incomplete = unexecuted.cut_off || unexecuted.unknown;
    let mut background = None;
    for record in &run.records {
        match record {
            Record::Threw(thrown) if thrown.phase == ThrownPhase::Evaluation => {
                let kind = kind_of(thrown);
                let fatal = kind != "threw" || incomplete || is_route(&run.records, thrown.file.as_deref());
                return Some(thrown_failure(kind, thrown, root, partial, fatal));
            }
            Record::Threw(thrown) => background = background.or(Some(thrown)),
            _ => {}
        }
    }
    let unsettled_target = run.records.iter().find_map(|record| match record {
        Record::Started { file, kind } if !settled(&run.records, file) => Some(*kind),
        _ => None,
    });
    let began = run.records.iter().any(|record| matches!(record, Record::Started { .. }));
    if began && unsettled_target.is_none() {
        // Loaded as far as it was waited for; what was not waited for may have failed before it asked.
        let thrown = background.filter(|_| incomplete)?;
        return Some(thrown_failure(kind_of(thrown), thrown, root, partial, true));
    }
    let (kind, message) = unsettled(run);
    let fatal = !began || incomplete || unsettled_target == Some(TargetKind::Routes);
    Some(SniffFailure { kind: kind.to_owned(), message: shortened(&message), stack: None, partial, fatal })
}

fn settled(records: &[Record], target: &Path) -> bool {
    records.iter().any(|record| matches!(record, Record::Settled { file } if file == target))
}

/// Whether a target's constructs are what counts, so that its code having been read is not enough.
fn is_route(records: &[Record], target: Option<&Path>) -> bool {
    records.iter().any(
        |record| matches!(record, Record::Started { file, kind: TargetKind::Routes } if Some(file.as_path()) == target),
    )
}

fn thrown_failure(kind: &str, thrown: &Thrown, root: &Path, partial: bool, fatal: bool) -> SniffFailure {
    let message = shortened(&described(thrown, root));
    SniffFailure { kind: kind.to_owned(), message, stack: stack(thrown, root), partial, fatal }
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
    let last = run.stderr.lines().rev().find(|line| !line.trim().is_empty());
    last.map(|line| format!(": {}", line.trim())).unwrap_or_default()
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

fn described(thrown: &Thrown, root: &Path) -> String {
    let message = format!("{}: {}", thrown.name, thrown.message);
    let Some(place) = thrown.place.as_deref().filter(|_| thrown.syntax) else { return message };
    let place = place.trim_start_matches("file://");
    let place = place.strip_prefix(&*root.to_string_lossy()).map_or(place, |place| place.trim_start_matches('/'));
    format!("{message} ({place})")
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
