//! Kills a child exactly at a write to disk, from outside: its system calls are traced, as a debugger does it.

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_long;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// The longest path that is read from a child.
const PATH: usize = 4096;

/// On which side of a write a child is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// A write to disk: what was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// A line of the journal.
    Line,
    /// A file that is replaced whole: the state, its previous version, the compacted journal.
    Replaced,
}

/// What was seen of a child.
pub(crate) struct Seen {
    /// What it wrote, in order.
    pub(crate) writes: Vec<Write>,
    /// Whether it was killed at the write that was asked for.
    pub(crate) killed: bool,
}

/// A command that runs under the eyes of a thread.
pub(crate) struct Traced {
    pid: Pid,
    seen: Receiver<Seen>,
}

impl Traced {
    /// Starts a command, and kills it at its `nth` write into `folder`, from 1; zero lets it run to its end.
    pub(crate) fn start(command: &Command, folder: &Path, nth: usize, side: Side) -> Self {
        let (mut shell, folder) = (waiting(command), folder.canonicalize().unwrap());
        let ((started, pid), (ended, seen)) = (channel(), channel());
        // A tracer is a thread, and what it traces was started by it.
        thread::spawn(move || {
            let mut child = shell.spawn().unwrap();
            started.send(child.id()).unwrap();
            let seen = Seen { writes: Vec::new(), killed: false };
            let mut trace = Trace { folder, nth, side, seen, inside: BTreeMap::new() };
            trace.follow(&mut child);
            let _ = ended.send(trace.seen);
        });
        Self { pid: Pid::from_raw(pid.recv().unwrap().try_into().unwrap()), seen }
    }

    /// Waits until it is killed or ends.
    pub(crate) async fn ended(self) -> Seen {
        loop {
            if let Ok(seen) = self.seen.try_recv() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // The thread still waits for it when nothing was received: then the number cannot be another process's.
        if matches!(self.seen.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)) {
            let _ = nix::sys::signal::kill(self.pid, Signal::SIGKILL);
        }
    }
}

/// The command in a shell that starts it once it is told to, so that its first threads are traced as well.
fn waiting(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "read -r _ && exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell
}

struct Trace {
    folder: PathBuf,
    nth: usize,
    side: Side,
    seen: Seen,
    /// The threads that are in a system call, and which write it is, from 1; others may begin before it ends.
    inside: BTreeMap<Pid, Option<usize>>,
}

impl Trace {
    /// Follows every thread from system call to system call, until the process has ended.
    fn follow(&mut self, child: &mut Child) {
        let main = Pid::from_raw(child.id().try_into().unwrap());
        ptrace::attach(main).unwrap();
        waitpid(main, Some(WaitPidFlag::__WALL)).unwrap();
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_EXITKILL;
        ptrace::setoptions(main, options).unwrap();
        let mut known = BTreeSet::from([main]);
        let go_on = |thread, signal| {
            // A thread may die at any time.
            let _ = ptrace::syscall(thread, signal);
        };
        go_on(main, None);
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        // Other threads have children of their own, which are theirs to wait for.
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            match status {
                WaitStatus::PtraceSyscall(thread) => {
                    if self.is_the_point(thread) {
                        self.seen.killed = true;
                        let _ = child.kill();
                    } else {
                        go_on(thread, None);
                    }
                }
                WaitStatus::PtraceEvent(thread, ..) => go_on(thread, None),
                // A new thread begins stopped.
                WaitStatus::Stopped(thread, Signal::SIGSTOP) if known.insert(thread) => go_on(thread, None),
                WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
                WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..) if thread == main => return,
                _ => {}
            }
        }
    }

    /// Whether a thread that enters or leaves a system call is to be killed there.
    fn is_the_point(&mut self, thread: Pid) -> bool {
        let (side, number) = if let Some(number) = self.inside.remove(&thread) {
            (Side::After, number)
        } else {
            let write = write(thread, &self.folder);
            self.seen.writes.extend(write);
            let number = write.map(|_| self.seen.writes.len());
            self.inside.insert(thread, number);
            (Side::Before, number)
        };
        side == self.side && number == Some(self.nth)
    }
}

/// What a thread that enters a system call is about to write into `folder`.
fn write(thread: Pid, folder: &Path) -> Option<Write> {
    let registers = ptrace::getregs(thread).ok()?;
    let (first, second) = (registers.rdi, registers.rsi);
    match c_long::try_from(registers.orig_rax).ok()? {
        libc::SYS_pwrite64 => {
            let path = fs::read_link(format!("/proc/{thread}/fd/{first}")).ok()?;
            let line = path.starts_with(folder) && path.extension().is_some_and(|ending| ending == "journal");
            line.then_some(Write::Line)
        }
        libc::SYS_rename => path_at(thread, second)?.starts_with(folder).then_some(Write::Replaced),
        libc::SYS_renameat | libc::SYS_renameat2 => {
            path_at(thread, registers.r10)?.starts_with(folder).then_some(Write::Replaced)
        }
        _ => None,
    }
}

/// The path that stands at an address of a thread's memory.
fn path_at(thread: Pid, address: u64) -> Option<PathBuf> {
    let mut bytes = vec![0; PATH];
    let read = File::open(format!("/proc/{thread}/mem")).ok()?.read_at(&mut bytes, address).ok()?;
    let path = bytes[..read].split(|byte| *byte == 0).next()?;
    Some(PathBuf::from(String::from_utf8(path.to_vec()).ok()?))
}
