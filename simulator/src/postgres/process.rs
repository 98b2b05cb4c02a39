//! Processes that do not outlive this one.

use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long a dropped server may take to end before it is killed.
const END_LIMIT: Duration = Duration::from_secs(10);

/// A command to start, and where the started child is handed back.
type Order = (Command, mpsc::SyncSender<io::Result<Server>>);

/// The thread that starts every server: the kernel's parent-death signal follows the *thread* that forked, and the
/// threads of an asynchronous runtime come and go.
static STARTER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel::<Order>();
    thread::spawn(move || {
        while let Ok((mut command, answer)) = receiver.recv() {
            // The asker waits; if it is gone, the server is dropped, and with that ended.
            let _ = answer.send(command.spawn().map(Server));
        }
    });
    sender
});

/// The user and group that servers run as: PostgreSQL refuses to run as root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// The account to switch to: `nobody` when this process is root, none otherwise.
pub(crate) fn unprivileged() -> Option<Account> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let nobody = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == "nobody").then_some(())?;
        let user = fields.nth(1)?.parse().ok()?;
        Some(Account { user, group: fields.next()?.parse().ok()? })
    });
    Some(nobody.unwrap_or(Account { user: 65534, group: 65534 }))
}

/// A command that runs as `account`, without this process's environment.
pub(crate) fn command(program: &std::path::Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("TZ", "UTC").env("LC_ALL", "C").stdin(std::process::Stdio::null()).current_dir("/");
    if let Some(Account { user, group }) = account {
        command.uid(user).gid(group);
    }
    command
}

/// Starts `command` so that the kernel sends it `SIGQUIT`, PostgreSQL's immediate shutdown, when this process dies.
pub(crate) fn spawn_bound(mut command: Command) -> io::Result<Server> {
    bind_to_parent(&mut command);
    let (sender, receiver) = mpsc::sync_channel(1);
    STARTER.send((command, sender)).map_err(|_| io::Error::other("the starter thread is gone"))?;
    receiver.recv().map_err(|_| io::Error::other("the starter thread is gone"))?
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no safe way to set the parent-death signal of a child")]
fn bind_to_parent(command: &mut Command) {
    let bind = || rustix::process::set_parent_process_death_signal(Some(Signal::QUIT)).map_err(io::Error::from);
    // SAFETY: the closure makes one system call, which is safe between fork and exec, and touches no memory of ours.
    unsafe {
        command.pre_exec(bind);
    }
}

#[cfg(not(target_os = "linux"))]
fn bind_to_parent(_command: &mut Command) {}

/// A server process; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server(Child);

impl Server {
    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Sends `signal` and waits until the process is gone, at most `limit`; then kills it.
    pub(crate) fn end(&mut self, signal: Signal, limit: Duration) -> io::Result<()> {
        if self.0.try_wait()?.is_some() {
            return Ok(());
        }
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, signal)?;
        }
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if self.0.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.0.kill()?;
        self.0.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The data goes too, so the immediate shutdown is good enough; the server's own children end with it.
        let _ = self.end(Signal::QUIT, END_LIMIT);
    }
}

/// Whether a process of this id exists.
pub(crate) fn exists(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}
