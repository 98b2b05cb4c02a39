//! What goes between us and the worker: a job on its command line, one JSON line per record back.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a worker is to do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    /// The file that takes the records.
    pub(super) records: PathBuf,
    /// Marks the records of this run; text of the app that looks like a record has none.
    pub(super) nonce: String,
    /// The workspace's root, without symbolic links.
    pub(super) root: PathBuf,
    /// The app's folder.
    pub(super) app_folder: PathBuf,
    /// What to load, in order.
    pub(super) targets: Vec<Target>,
    /// Variables that the app is given.
    pub(super) assumed: Vec<Assumed>,
    /// Whether all TypeScript is loaded as ES modules, whatever its package says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<&'static str>,
    /// The empty file that stands in for files that are not deployed; without it they are not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) empty_file: Option<PathBuf>,
}

/// A variable that an app is given in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Assumed {
    /// The variable.
    pub(super) name: String,
    /// Which of the values that it is likely to hold, from 0.
    pub(super) attempt: usize,
    /// Values that the app has said to be valid.
    pub(super) listed: Vec<String>,
}

/// One file to load.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    /// What the file is.
    pub(super) kind: TargetKind,
    /// The file, absolute and without symbolic links.
    pub(super) file: PathBuf,
    /// The export that is the environment parser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) export: Option<String>,
    /// By which name a file imports it; default: its path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) specifier: Option<String>,
    /// The file that names it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<PathBuf>,
}

impl Target {
    /// A file of the app's own.
    pub(super) fn of(kind: TargetKind, file: PathBuf) -> Self {
        Self { kind, file, export: None, specifier: None, from: None }
    }
}

/// What a file to load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TargetKind {
    /// Asks for its variables when it is loaded.
    Entry,
    /// Exports constructs that say what they need.
    Routes,
    /// Exports a function that takes a parser.
    EnvParser,
    /// Is loaded with every route app, such as its logger.
    Module,
    /// The same, and exports functions that set up the server.
    Hooks,
    /// Is run by the app in another process or thread, or loaded later.
    Offshoot,
}

/// Something that a worker reported.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Record {
    /// A target is about to be loaded.
    Started { file: PathBuf, kind: TargetKind },
    /// `get(name)` was called.
    Asked {
        id: u64,
        name: String,
        #[serde(default)]
        source: ValueSource,
        /// The variables that the value consists of, where it shows.
        #[serde(default)]
        origins: Vec<String>,
        file: Option<PathBuf>,
        line: Option<u32>,
    },
    /// What the schema of a request says of absence.
    Judged { id: u64, optional: bool, reason: Option<String> },
    /// `process.env.NAME` was read by the app's own file.
    ReadEnv { name: String, file: Option<PathBuf>, line: Option<u32> },
    /// A variable was asked for in vain, by whoever; the place is that of the app's own file for which it was.
    Lacked { name: String, file: Option<PathBuf>, line: Option<u32> },
    /// A file that is not deployed was looked for.
    Undeployed { file: PathBuf },
    /// A construct said that it needs a variable.
    Declared { name: String, file: Option<PathBuf>, optional: bool },
    /// Modules are being loaded; said now and then.
    Working,
    /// A construct uses a service.
    Uses { service: String },
    /// A file of the workspace was loaded.
    Loaded { file: PathBuf },
    /// A file of an installed package was loaded.
    Package { folder: PathBuf, name: Option<String>, version: Option<String> },
    /// A module was required that awaits at its top level.
    Asynchronous,
    /// A file is run in another process or thread, from a place in the app's own files.
    Offshoot { target: PathBuf, file: Option<PathBuf>, line: Option<u32> },
    /// A file is loaded when it is asked for.
    Later { file: PathBuf },
    /// A target is not there.
    NotFound { file: PathBuf },
    /// A file of the workspace was read as data.
    Read { file: PathBuf },
    /// Something happened on which no kept answer can rely, such as another program being run.
    Doubtful,
    /// A module of the workspace was evaluated to its end.
    Finished { file: PathBuf },
    /// A target was loaded to its end.
    Settled { file: PathBuf },
    /// Something was thrown.
    Threw(Thrown),
    /// The app ended itself.
    Exiting { code: i32, stack: Vec<Frame> },
    /// Nothing is left to do, and a target has not settled.
    Drained,
    /// The worker is about to end itself.
    Ended,
}

/// Where a parser has the value of a key from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ValueSource {
    /// The variable of that name, whether it is set or not.
    #[default]
    Variable,
    /// It has no such key, so the key should be a variable.
    Absent,
    /// The app gave a value.
    Given,
    /// The app gave an expression that had no value here.
    Nothing,
}

/// Something that was thrown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Thrown {
    /// Whether loading a target failed, or something the app had not waited for.
    pub(super) phase: ThrownPhase,
    /// The target.
    pub(super) file: Option<PathBuf>,
    /// The kind of error, for instance `TypeError`.
    pub(super) name: String,
    /// Its message.
    pub(super) message: String,
    /// All that it says, with what it was caused by.
    #[serde(default)]
    pub(super) detail: String,
    /// Its `code`, for instance `ERR_MODULE_NOT_FOUND`.
    pub(super) code: Option<String>,
    /// Whether it is a `SyntaxError`.
    #[serde(default)]
    pub(super) syntax: bool,
    /// The frames of the workspace's own files.
    #[serde(default)]
    pub(super) stack: Vec<Frame>,
    /// Where the file of a syntax error is wrong.
    #[serde(rename = "where")]
    pub(super) place: Option<String>,
}

/// When something was thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ThrownPhase {
    /// While a target was evaluated.
    Evaluation,
    /// In work that nobody waited for.
    Background,
}

/// One frame of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Frame {
    /// What was called.
    pub(super) call: String,
    /// The file.
    pub(super) file: PathBuf,
    /// The line as the user wrote it.
    pub(super) line: u32,
}

/// A line of the records file.
#[derive(Deserialize)]
struct Line {
    nonce: String,
    #[serde(flatten)]
    record: Record,
}

/// Reads the records of one run; what is torn, foreign or unknown is left out.
pub(super) fn read(bytes: &[u8], nonce: &str) -> Vec<Record> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .filter(|line| line.nonce == nonce)
        .map(|line| line.record)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_and_foreign_lines_are_left_out() {
        let text = concat!(
            r#"{"nonce":"n","type":"asked","id":1,"name":"PORT","file":"/a.ts","line":2}"#,
            "\n",
            r#"{"nonce":"other","type":"asked","id":2,"name":"FAKE"}"#,
            "\n",
            r#"{"envVars":["FAKE"]}"#,
            "\n",
            r#"{"nonce":"n","type":"settl"#
        );
        let asked = Record::Asked {
            id: 1,
            name: "PORT".to_owned(),
            source: ValueSource::Variable,
            origins: Vec::new(),
            file: Some("/a.ts".into()),
            line: Some(2),
        };
        assert_eq!(read(text.as_bytes(), "n"), [asked]);
    }
}
