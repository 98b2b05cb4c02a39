//! The process in which an app is loaded: what it gets, how long it may take, and that it ends.

use super::app_paths::AppPaths;
use super::options::SniffOptions;
use super::process_group::ProcessGroup;
use super::protocol::{Assumed, Job, Record, Target, read};
use super::sandbox::{environment, isolate};
use super::script::Script;
use super::stall::stalled;
use crate::{DeployError, ErrorCode};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// How much of each output is kept: its end.
const OUTPUT_KEPT: usize = 16 * 1024;
/// How many bytes of records are read at most.
const RECORDS_READ: u64 = 64 * 1024 * 1024;
/// How long the killed process may take to disappear.
const REAPING: std::time::Duration = std::time::Duration::from_secs(5);
/// How long output that is under way may take to arrive after the process has ended.
const DRAINING: std::time::Duration = std::time::Duration::from_millis(200);
/// How much an app may hold in its heap, in megabytes: a runaway must not take the machine.
const HEAP_MEGABYTES: u32 = 1_024;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself, or killed by somebody.
    Exited(ExitStatus),
    /// We killed it at the deadline.
    Deadline,
    /// We killed it because it used the processor without loading anything more.
    Endless,
}

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Run {
    /// What the worker reported, in order.
    pub(super) records: Vec<Record>,
    /// How it ended.
    pub(super) ending: Ending,
    /// The end of its standard output.
    pub(super) stdout: String,
    /// The end of its standard error.
    pub(super) stderr: String,
}

/// Why a run did not start.
#[derive(Debug)]
pub(super) enum Unstarted {
    /// Node could not be run.
    NoNode(std::io::Error),
    /// The caller cancelled, or the machine refused what we need.
    Failed(DeployError),
}

impl From<DeployError> for Unstarted {
    fn from(error: DeployError) -> Self {
        Self::Failed(error)
    }
}

/// What a run is to load, and with what.
#[derive(Debug, Clone, Default)]
pub(super) struct Task {
    /// What to load, in order.
    pub(super) targets: Vec<Target>,
    /// Variables that the app is given.
    pub(super) assumed: Vec<Assumed>,
    /// Whether files that are not deployed are there, and empty.
    pub(super) empty_files: bool,
    /// Whether all TypeScript is loaded as ES modules.
    pub(super) as_modules: bool,
}

/// Carries out a task in a process of its own; when the future ends or is dropped, nothing of it is left running.
pub(super) async fn run(task: Task, paths: &AppPaths, options: &SniffOptions) -> Result<Run, Unstarted> {
    let script = Script::locate(options.sniffer.as_deref())?;
    let private = tempfile::Builder::new().prefix("gkm-sniff-").tempdir().map_err(|error| unusable(&error))?;
    let records = private.path().join("records");
    let job = Job {
        records: records.clone(),
        nonce: nonce(private.path()),
        root: paths.root.clone(),
        app_folder: paths.app.clone(),
        targets: task.targets,
        assumed: task.assumed,
        format: task.as_modules.then_some("module"),
        empty_file: task.empty_files.then(|| private.path().join("empty")),
    };
    if let Some(file) = &job.empty_file {
        std::fs::write(file, "").map_err(|error| unusable(&error))?;
    }
    let mut child = command(&job, &script, &paths.app, private.path(), options)?.spawn().map_err(Unstarted::NoNode)?;
    let mut group = ProcessGroup::of(&child, &job.nonce);
    let attended = attend(&mut child, &mut group, &records, options).await?;
    let records = read(&bounded(&records), &job.nonce);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Run { records, ending: attended.ending, stdout: text(&attended.stdout), stderr: text(&attended.stderr) })
}

fn unusable(error: &std::io::Error) -> DeployError {
    DeployError::new(ErrorCode::SniffFailed, "No temporary folder could be made for the sniffed app").caused_by(error)
}

/// The temporary folder's random name marks the run.
fn nonce(private: &Path) -> String {
    let name = private.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}-{:x}", std::process::id())
}

fn command(
    job: &Job,
    script: &Script,
    app_folder: &Path,
    home: &Path,
    options: &SniffOptions,
) -> Result<Command, DeployError> {
    let text = serde_json::to_string(job).map_err(|error| {
        DeployError::new(ErrorCode::SniffFailed, "A path of the app is not valid Unicode").caused_by(&error)
    })?;
    let mut command = Command::new(&options.node);
    command
        // Node 20 alone has no hooks without a thread but from inside (see `sniffer/hooks-inner.cjs`).
        .arg("--expose-internals")
        .arg(format!("--max-old-space-size={HEAP_MEGABYTES}"))
        .arg(script.main())
        .arg(text)
        .current_dir(app_folder)
        .env_clear()
        .envs(environment(home, &job.nonce, &options.node_env))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    isolate(&mut command);
    Ok(command)
}

/// What was seen of a process.
struct Attended {
    ending: Ending,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Waits for the end, whichever comes first, and clears up after it.
async fn attend(
    child: &mut Child,
    group: &mut ProcessGroup,
    records: &Path,
    options: &SniffOptions,
) -> Result<Attended, DeployError> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut printed, mut warned) = (Vec::new(), Vec::new());
    let mut ending = Ok(Ending::Deadline);
    let stalled = stalled(child.id(), records);
    {
        let drains = async { tokio::join!(drain(stdout, &mut printed), drain(stderr, &mut warned)) };
        tokio::pin!(drains);
        let mut drained = false;
        let end = tokio::time::timeout(options.deadline, child.wait());
        tokio::pin!(end, stalled);
        loop {
            tokio::select! {
                biased;
                () = options.cancel.cancelled() => { ending = Err(DeployError::cancelled()); break }
                result = &mut end => {
                    if let Ok(Ok(status)) = result { ending = Ok(Ending::Exited(status)); }
                    break
                }
                () = &mut stalled => { ending = Ok(Ending::Endless); break }
                _ = &mut drains, if !drained => drained = true,
            }
        }
        // Once reaped, its id may be another's: then only what carries our marks is ours.
        if matches!(ending, Ok(Ending::Exited(_))) {
            group.kill_rest();
        } else {
            group.kill();
        }
        if !drained {
            // Only output counts here, and only as a help for people: what has not arrived by now is left.
            let _ = tokio::time::timeout(DRAINING, drains).await;
        }
    }
    if !matches!(ending, Ok(Ending::Exited(_))) {
        // A killed process disappears at once; where it does not, the runtime reaps it later.
        let _ = tokio::time::timeout(REAPING, child.wait()).await;
    }
    ending.map(|ending| Attended { ending, stdout: printed, stderr: warned })
}

/// Reads to the end and keeps the last part.
async fn drain(output: Option<impl tokio::io::AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut output) = output else { return };
    let mut buffer = vec![0; 8192];
    while let Ok(count) = output.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > 2 * OUTPUT_KEPT {
            kept.drain(..kept.len() - OUTPUT_KEPT);
        }
    }
}

fn bounded(file: &Path) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(file) {
        // What could be read counts.
        let _ = file.take(RECORDS_READ).read_to_end(&mut bytes);
    }
    bytes
}
