//! Child processes with all that they start. Unix has groups for them; Windows has trees, which `taskkill` ends.

use std::fs::File;
use std::io;
use tokio::process::{ChildStdin, Command};

/// Gives a process a group of its own.
pub(crate) fn own_group(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(windows)]
    {
        // Otherwise a console window opens for each.
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
}

/// Gives a process a group of its own, nothing of our open files, and on Linux at most so much memory, in bytes. On Windows
/// handles are not inherited anyway.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "it cannot be bounded"))]
pub(crate) fn isolate(command: &mut Command, memory: u64) {
    own_group(command);
    #[cfg(unix)]
    // SAFETY: between fork and exec the closure only makes system calls, which is all that is allowed there.
    #[expect(unsafe_code, reason = "the only way to keep a host's inheritable descriptors from the child")]
    unsafe {
        command.pre_exec(move || {
            unix::close_on_exec();
            #[cfg(target_os = "linux")]
            unix::adopt_and_bound(memory);
            Ok(())
        });
    }
}

/// The input of a child as a file.
pub(crate) fn input_of(stdin: ChildStdin) -> io::Result<File> {
    #[cfg(unix)]
    {
        stdin.into_owned_fd().map(File::from)
    }
    #[cfg(windows)]
    {
        stdin.into_owned_handle().map(File::from)
    }
}

/// Kills the group of a process that was not waited for yet; on Windows it and what it started.
pub(crate) fn kill_group(leader: u32) {
    #[cfg(unix)]
    unix::kill_group(leader);
    #[cfg(windows)]
    {
        use std::process::Stdio;
        let leader = leader.to_string();
        let mut kill = std::process::Command::new("taskkill");
        kill.args(["/T", "/F", "/PID", &leader]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It may have ended in between; there is nothing to kill then.
        let _ = kill.status();
    }
}

/// Kills what is left of a group after its leader was waited for. On Windows its number may be another's by then.
#[cfg_attr(windows, expect(unused_variables, reason = "nothing is left that could be found"))]
pub(crate) fn kill_orphans(leader: u32) {
    #[cfg(unix)]
    unix::kill_group(leader);
}

/// Kills all that descends from a process, also what has left its group. Where the system does not tell (only Linux does),
/// nothing.
#[cfg_attr(windows, expect(unused_variables, reason = "`taskkill` ends the tree"))]
pub(crate) fn kill_descendants(leader: u32) {
    #[cfg(unix)]
    unix::kill_descendants(leader);
}

/// Kills every process with this variable (`NAME=value`) in its environment. Where the system does not show it, none.
#[cfg_attr(windows, expect(unused_variables, reason = "environments are not shown"))]
pub(crate) fn kill_marked(variable: &[u8]) {
    #[cfg(unix)]
    unix::kill_marked(variable);
}

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    use std::collections::HashSet;
    use std::fs;

    /// How often descendants are looked for: something may start others as fast as they are ended.
    const MOST_ROUNDS: usize = 20;

    fn pid(process: u32) -> Option<Pid> {
        i32::try_from(process).ok().and_then(Pid::from_raw)
    }

    pub(super) fn kill_group(leader: u32) {
        if let Some(leader) = pid(leader) {
            // It may have ended in between; there is nothing to kill then.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    pub(super) fn kill_marked(variable: &[u8]) {
        let Ok(processes) = fs::read_dir("/proc") else { return };
        let marked = processes
            .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
            .filter(|process: &i32| {
                let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|found| found == variable)
            })
            .filter_map(Pid::from_raw);
        for process in marked.collect::<Vec<_>>() {
            let _ = kill_process(process, Signal::KILL);
        }
    }

    /// Again while more appear.
    pub(super) fn kill_descendants(leader: u32) {
        let Some(leader) = pid(leader) else { return };
        let mut ended = HashSet::new();
        for _ in 0..MOST_ROUNDS {
            let mut found = Vec::new();
            collect_descendants(leader, &mut found);
            found.retain(|process| ended.insert(*process));
            if found.is_empty() {
                return;
            }
            for process in found {
                let _ = kill_process(process, Signal::KILL);
            }
        }
    }

    fn collect_descendants(process: Pid, found: &mut Vec<Pid>) {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())) else { return };
        for thread in threads.filter_map(Result::ok) {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
                if !found.contains(&child) {
                    found.push(child);
                    collect_descendants(child, found);
                }
            }
        }
    }

    /// Marks every descriptor but the three standard ones to be closed by exec: a host may hold inheritable ones.
    #[cfg(target_os = "linux")]
    pub(super) fn close_on_exec() {
        const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
        // SAFETY: takes numbers only. A kernel before 5.11 refuses, and then what is inheritable is inherited.
        #[expect(unsafe_code, reason = "a plain system call")]
        unsafe {
            libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC);
        }
    }

    /// Marks the lower descriptors to be closed by exec: a host may hold inheritable ones.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn close_on_exec() {
        for descriptor in 3..1024 {
            // SAFETY: takes numbers only; a descriptor that is not open is refused.
            #[expect(unsafe_code, reason = "a plain system call")]
            unsafe {
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }

    /// Makes the process inherit what its children leave behind, and bounds the memory of each of them.
    #[cfg(target_os = "linux")]
    pub(super) fn adopt_and_bound(memory: u64) {
        let bound = libc::rlimit { rlim_cur: memory, rlim_max: memory };
        // SAFETY: takes numbers and a structure that outlives the call. Where either is refused, the deadline still holds.
        #[expect(unsafe_code, reason = "plain system calls")]
        unsafe {
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
            libc::setrlimit(libc::RLIMIT_DATA, &raw const bound);
        }
    }
}
