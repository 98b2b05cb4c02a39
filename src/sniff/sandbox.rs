//! What surrounds a sniffed app: an environment without ours, a process group of its own, bounds.

use super::process_group::MARK;
use crate::system;
use std::ffi::OsString;
use std::path::Path;
use tokio::process::Command;

/// How much an app may hold in all its memory, in bytes: a runaway must not take the machine. Only Linux
/// can tell.
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
    // Without the second no program of Windows starts; elsewhere it is not set.
    for name in ["PATH", "SystemRoot"] {
        environment.extend(std::env::var_os(name).map(|value| (name, value)));
    }
    if cfg!(windows) {
        for name in ["USERPROFILE", "TEMP", "TMP"] {
            environment.push((name, home.as_os_str().to_owned()));
        }
    }
    environment
}

/// Gives the process a group of its own and nothing of our open files.
pub(super) fn isolate(command: &mut Command) {
    system::isolate(command, MEMORY_BYTES);
}
