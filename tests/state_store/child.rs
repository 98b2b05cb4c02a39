//! Real child processes: this test binary once more, running one test that finds its part in the environment.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Tells a child the folder it works in.
const ROOT: &str = "STATE_TEST_ROOT";

/// How long any child may take to say something, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the lines of children begin with, to tell them from the test harness's own.
const MARK: &str = "CHILD ";

/// The folder to work in when this process is a child.
pub(crate) fn part() -> Option<PathBuf> {
    env::var_os(ROOT).map(PathBuf::from)
}

/// Says a line to the parent, at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{line}").unwrap();
    out.flush().unwrap();
}

/// Waits until the parent closes our standard input, or is gone.
pub(crate) fn wait_for_parent() {
    let _ = std::io::stdin().lock().read_until(0, &mut Vec::new());
}

/// The command that runs `test` of this binary as a child in `root`, after the words of `prefix`.
fn command(prefix: &[&str], test: &str, root: &Path) -> Command {
    let exe = env::current_exe().unwrap();
    let mut words = prefix.iter().map(Into::into).chain([exe.into_os_string()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROOT, root);
    command
}

/// A child that runs until it is killed, or dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Closed when dropped; tells the child to end.
    _stdin: ChildStdin,
}

impl Running {
    /// Starts a child in the part of `test`.
    pub(crate) fn start(test: &str, root: &Path) -> Self {
        let mut child = command(&[], test, root).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some(said) = line.strip_prefix(MARK) {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        let stdin = child.stdin.take().unwrap();
        Self { child, lines, _stdin: stdin }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line it says.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the child said nothing")
    }

    /// Kills it with `SIGKILL`, and returns the lines that it had still said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `test` as a child in a mount namespace of its own; `false` and a line that says so where the system forbids it.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub(crate) fn with_own_mounts(test: &str, root: &Path) -> bool {
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let prefix = match Command::new("unshare").args(["--mount", "true"]).output() {
        Ok(output) if output.status.success() => &[unshare[0], unshare[3]][..],
        _ => &unshare[..],
    };
    let allowed = Command::new(prefix[0]).args(&prefix[1..]).args(["mount", "-t", "tmpfs", "tmpfs"]).arg(root).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("{test} did not run: this system does not let us mount a tmpfs");
        return false;
    }
    let output = command(prefix, test, root).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    true
}
