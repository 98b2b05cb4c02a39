//! The process in which an app is loaded: what it gets, how long it may take, and that it ends.

use super::options::SniffOptions;
use super::process_group::{MARK, ProcessGroup};
use super::protocol::{Job, Record, Target, read};
use super::script::Script;
use crate::{DeployError, ErrorCode};
use std::ffi::OsString;
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
/// How much an app may hold in its heap, in megabytes, and in all its memory, in bytes: a runaway must not take the machine.
const HEAP_MEGABYTES: u32 = 1_024;
#[cfg(target_os = "linux")]
const MEMORY_BYTES: u64 = 6 * 1024 * 1024 * 1024;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself, or killed by somebody.
    Exited(ExitStatus),
    /// We killed it at the deadline.
    Deadline,
}

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Run {
    /// What the worker reported, in order.
    pub(super) records: Vec<Record>,
    /// How it ended.
    pub(super) ending: Ending,
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

/// Loads `targets` in a process of its own; when the future ends or is dropped, nothing of it is left running.
pub(super) async fn run(
    targets: Vec<Target>,
    app_folder: &Path,
    root: &Path,
    options: &SniffOptions,
) -> Result<Run, Unstarted> {
    let script = Script::locate(options.sniffer.as_deref())?;
    let private = tempfile::Builder::new().prefix("gkm-sniff-").tempdir().map_err(|error| unusable(&error))?;
    let records = private.path().join("records");
    let job = Job {
        records: records.clone(),
        nonce: nonce(private.path()),
        root: root.to_path_buf(),
        app_folder: app_folder.to_path_buf(),
        targets,
    };
    let mut child = command(&job, &script, app_folder, private.path(), options)?.spawn().map_err(Unstarted::NoNode)?;
    let mut group = ProcessGroup::of(&child, &job.nonce);
    let (ending, stderr) = attend(&mut child, &mut group, options).await?;
    let records = read(&bounded(&records), &job.nonce);
    Ok(Run { records, ending, stderr })
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

/// What the app sees of an environment: nothing of ours but where programs are found.
fn environment(home: &Path, nonce: &str, node_env: &str) -> Vec<(&'static str, OsString)> {
    let mut environment = vec![
        ("HOME", home.as_os_str().to_owned()),
        ("TMPDIR", home.as_os_str().to_owned()),
        ("LANG", OsString::from("C.UTF-8")),
        ("NODE_ENV", OsString::from(node_env)),
        (MARK, OsString::from(nonce)),
    ];
    if let Some(path) = std::env::var_os("PATH") {
        environment.push(("PATH", path));
    }
    environment
}

/// Gives the process a group of its own and nothing of our open files.
fn isolate(command: &mut Command) {
    command.process_group(0);
    // SAFETY: between fork and exec the closure only makes system calls, which is all that is allowed there.
    #[expect(unsafe_code, reason = "the only way to keep a host's inheritable descriptors from the child")]
    unsafe {
        command.pre_exec(|| {
            close_on_exec();
            adopt_and_bound();
            Ok(())
        });
    }
}

/// Marks every descriptor but the three standard ones to be closed by exec: a host may hold inheritable ones.
#[cfg(target_os = "linux")]
fn close_on_exec() {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: takes numbers only. A kernel before 5.11 refuses, and then what is inheritable is inherited.
    #[expect(unsafe_code, reason = "a plain system call")]
    unsafe {
        libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC);
    }
}

/// Makes the process inherit what its children leave behind, and bounds the memory of each of them.
#[cfg(target_os = "linux")]
fn adopt_and_bound() {
    let bound = libc::rlimit { rlim_cur: MEMORY_BYTES, rlim_max: MEMORY_BYTES };
    // SAFETY: takes numbers and a structure that outlives the call. Where either is refused, the deadline still holds.
    #[expect(unsafe_code, reason = "plain system calls")]
    unsafe {
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        libc::setrlimit(libc::RLIMIT_DATA, &raw const bound);
    }
}

#[cfg(not(target_os = "linux"))]
fn adopt_and_bound() {}

/// Marks the lower descriptors to be closed by exec: a host may hold inheritable ones.
#[cfg(not(target_os = "linux"))]
fn close_on_exec() {
    for descriptor in 3..1024 {
        // SAFETY: takes numbers only; a descriptor that is not open is refused.
        #[expect(unsafe_code, reason = "a plain system call")]
        unsafe {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Waits for the end, whichever comes first, and clears up after it.
async fn attend(
    child: &mut Child,
    group: &mut ProcessGroup,
    options: &SniffOptions,
) -> Result<(Ending, String), DeployError> {
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let mut text = Vec::new();
    let mut ignored = Vec::new();
    let mut ending = Ok(Ending::Deadline);
    {
        let drains = async { tokio::join!(drain(stdout, &mut ignored), drain(stderr, &mut text)) };
        tokio::pin!(drains);
        let mut drained = false;
        let end = tokio::time::timeout(options.deadline, child.wait());
        tokio::pin!(end);
        loop {
            tokio::select! {
                biased;
                () = options.cancel.cancelled() => { ending = Err(DeployError::cancelled()); break }
                result = &mut end => {
                    if let Ok(Ok(status)) = result { ending = Ok(Ending::Exited(status)); }
                    break
                }
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
    ending.map(|ending| (ending, String::from_utf8_lossy(&text).into_owned()))
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
