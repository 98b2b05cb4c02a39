//! What surrounds a sniffed app: an environment without ours, a process group of its own, bounds.

use super::process_group::MARK;
use std::ffi::OsString;
use std::path::Path;
use tokio::process::Command;

/// How much an app may hold in all its memory, in bytes: a runaway must not take the machine.
#[cfg(target_os = "linux")]
const MEMORY_BYTES: u64 = 6 * 1024 * 1024 * 1024;

/// What the app sees of an environment: nothing of ours but where programs are found.
pub(super) fn environment(home: &Path, nonce: &str, node_env: &str) -> Vec<(&'static str, OsString)> {
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
pub(super) fn isolate(command: &mut Command) {
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
