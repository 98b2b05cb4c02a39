//! Why a run did not load everything: what is told of it, and whether variables may be missing.

use super::app_paths::shown;
use super::protocol::{Frame, Record, TargetKind, Thrown, ThrownPhase};
use super::requirement::SniffFailure;
use super::unexecuted::Unexecuted;
use super::worker::{Ending, Run};
use std::path::Path;

/// How long a message of the app may be.
const LONGEST_MESSAGE: usize = 2_000;

/// Why the run did not load everything, if so; `found` says whether names were found all the same.
///
/// It is fatal where variables may be missing: always when a file could not be parsed or resolved; else when a module that
/// was not evaluated to its end may ask for something that was not captured. An app that threw, exited or hung after
/// everything was asked (no database answered) is deployable.
pub(super) fn failure(run: &Run, root: &Path, found: bool, unexecuted: &Unexecuted) -> Option<SniffFailure> {
    let incomplete = unexecuted.cut_off || unexecuted.unknown;
    let failed = |kind: &str, message: &str, told: Told, fatal: bool| SniffFailure {
        kind: kind.to_owned(),
        message: shortened(message),
        stack: told.stack,
        file: told.file,
        hint: None,
        partial: found,
        fatal,
    };
    let mut background = None;
    for record in &run.records {
        match record {
            Record::Threw(thrown) if thrown.phase == ThrownPhase::Evaluation => {
                let kind = kind_of(thrown);
                let fatal = kind != "threw" || incomplete || is_route(&run.records, thrown.file.as_deref());
                return Some(failed(kind, &described(thrown, root), Told::of_thrown(thrown, root), fatal));
            }
            Record::Threw(thrown) => background = background.or(Some(thrown)),
            _ => {}
        }
    }
    let unsettled_target = run.records.iter().find_map(|record| match record {
        Record::Started { file, kind } if !settled(&run.records, file) => Some((file, *kind)),
        _ => None,
    });
    let began = run.records.iter().any(|record| matches!(record, Record::Started { .. }));
    if began && unsettled_target.is_none() {
        // Loaded as far as it was waited for; what was not waited for may have failed before it asked.
        let thrown = background.filter(|_| incomplete)?;
        return Some(failed(kind_of(thrown), &described(thrown, root), Told::of_thrown(thrown, root), true));
    }
    let (kind, message) = unsettled(run);
    let fatal = !began || incomplete || unsettled_target.is_some_and(|(_, kind)| kind == TargetKind::Routes);
    let mut told = Told::of_frames(exit_stack(&run.records), root);
    let stopped_at = unexecuted.stopped_at.as_deref().or(unsettled_target.map(|(file, _)| file.as_path()));
    told.file = told.file.or_else(|| stopped_at.map(|file| shown(file, root)));
    Some(failed(kind, &message, told, fatal))
}

/// Where something went wrong.
struct Told {
    file: Option<String>,
    stack: Option<String>,
}

impl Told {
    fn of_frames(frames: &[Frame], root: &Path) -> Self {
        Self { file: frames.first().map(|frame| shown(&frame.file, root)), stack: stack(frames, root) }
    }

    fn of_thrown(thrown: &Thrown, root: &Path) -> Self {
        let mut told = Self::of_frames(&thrown.stack, root);
        let place = place(thrown, root).map(|place| without_line(&place).to_owned());
        told.file = place.or(told.file).or_else(|| importer(thrown, root));
        told.file = told.file.or_else(|| thrown.file.as_deref().map(|file| shown(file, root)));
        told
    }
}

fn without_line(place: &str) -> &str {
    place.rsplit_once(':').filter(|(_, line)| line.chars().all(|c| c.is_ascii_digit())).map_or(place, |(file, _)| file)
}

/// The file that Node names as the importer of what it did not find.
fn importer(thrown: &Thrown, root: &Path) -> Option<String> {
    let (_, file) = thrown.message.split_once(" imported from ")?;
    Some(shown(Path::new(file.lines().next()?.trim()), root))
}

fn exit_stack(records: &[Record]) -> &[Frame] {
    let stack = records.iter().find_map(|record| match record {
        Record::Exiting { stack, .. } => Some(stack.as_slice()),
        _ => None,
    });
    stack.unwrap_or_default()
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

/// How a run ended that neither settled nor threw.
fn unsettled(run: &Run) -> (&'static str, String) {
    let drained = run.records.contains(&Record::Drained);
    match run.ending {
        Ending::Deadline => ("deadline", "It did not finish loading before the deadline".to_owned()),
        Ending::Endless => {
            ("deadline", "It kept the processor busy without loading anything more, as an endless loop does".to_owned())
        }
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

/// What kind of failure a thrown error is.
pub(super) fn kind_of(thrown: &Thrown) -> &'static str {
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
    place(thrown, root).map_or_else(|| message.clone(), |place| format!("{message} ({place})"))
}

/// Where the file of a syntax error is wrong.
fn place(thrown: &Thrown, root: &Path) -> Option<String> {
    let place = thrown.place.as_deref().filter(|_| thrown.syntax)?.trim_start_matches("file://");
    let place = place.strip_prefix(&*root.to_string_lossy()).map_or(place, |place| place.trim_start_matches('/'));
    Some(place.to_owned())
}

fn stack(frames: &[Frame], root: &Path) -> Option<String> {
    let lines: Vec<String> = frames
        .iter()
        .map(|frame| {
            let place = format!("{}:{}", shown(&frame.file, root), frame.line);
            if frame.call.is_empty() { format!("at {place}") } else { format!("at {} ({place})", frame.call) }
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The failure of not knowing a file that `file` runs in another process or thread; `required` are the variables that were
/// found all the same.
pub(super) fn unfollowed(message: String, file: String, required: &[String]) -> SniffFailure {
    let (kind, partial) = ("not-followed".to_owned(), !required.is_empty());
    let mut failure = SniffFailure { kind, message, stack: None, file: Some(file), hint: None, partial, fatal: false };
    failure.hint = Some(hint(&failure, required));
    failure
}

/// What to do about a failure; `required` are the variables that were found all the same.
pub(super) fn hint(failure: &SniffFailure, required: &[String]) -> String {
    let file = failure.file.as_deref().unwrap_or("the app");
    let mend = match failure.kind.as_str() {
        "syntax" => format!("Correct {file}"),
        "unresolved-import" => format!("Install or build what {file} imports"),
        "exited" => format!("Let {file} load without ending the process"),
        "deadline" => format!("Let {file} load without waiting for what is only there where the app is deployed"),
        "crashed" => format!("See what {file} loads that ends the process"),
        "no-export" => format!("Export from {file} what the workspace names"),
        "not-followed" => {
            format!("Write the path in {file} so that it can be read, such as path.join(__dirname, 'worker.js')")
        }
        "no-typescript" => "Install oxc-transform and oxc-resolver beside the app".to_owned(),
        _ => format!("Let {file} load without what is only there where the app is deployed"),
    };
    let names: Vec<String> = required.iter().map(|name| format!("'{name}'")).collect();
    if names.is_empty() {
        format!("{mend}, or list what the app needs: requiredEnv: ['…']")
    } else {
        let more = if failure.fatal { ", and what else the app needs" } else { "" };
        format!("{mend}, or list what the app needs: requiredEnv: [{}]{more}", names.join(", "))
    }
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}
