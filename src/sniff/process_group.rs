//! Every process that a sniffed app started, so that none is left running.
//!
//! They are found in three ways, as apps have many ways to lose their children: by the process group, by a mark in the
//! environment, and on Linux by descent, as the leader inherits what its children leave behind. What has left the group and
//! cleared its environment is out of reach only if the leader ended by itself before we looked.

use rustix::process::{Pid, Signal};
use std::collections::HashSet;
use tokio::process::Child;

/// The variable that marks every process of a run, so that one which left the group is found.
pub(super) const MARK: &str = "GKM_SNIFF";
/// How often descendants are looked for: something may start others as fast as they are ended.
const MOST_ROUNDS: usize = 20;

/// Every process of a run; killed when dropped.
pub(super) struct ProcessGroup {
    leader: Option<Pid>,
    mark: Vec<u8>,
}

impl ProcessGroup {
    pub(super) fn of(child: &Child, nonce: &str) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { leader, mark: format!("{MARK}={nonce}").into_bytes() }
    }

    /// Kills the group and what has left it, while the leader runs or is not reaped yet.
    pub(super) fn kill(&mut self) {
        if let Some(leader) = self.leader {
            // Before the leader, which holds the others together: it inherits what they leave behind.
            end_descendants(leader);
        }
        self.kill_rest();
    }

    /// Kills what is left of the group after its leader was reaped.
    pub(super) fn kill_rest(&mut self) {
        let Some(leader) = self.leader.take() else { return };
        // Nobody left to kill is what we want.
        let _ = rustix::process::kill_process_group(leader, Signal::KILL);
        for stray in marked(&self.mark) {
            let _ = rustix::process::kill_process(stray, Signal::KILL);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes that carry the mark of a run in their environment; none where the system does not show it.
fn marked(mark: &[u8]) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark)
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Kills all that descends from a process, again while more appear.
fn end_descendants(leader: Pid) {
    let mut ended = HashSet::new();
    for _ in 0..MOST_ROUNDS {
        let mut found = Vec::new();
        collect_descendants(leader, &mut found);
        found.retain(|process| ended.insert(*process));
        if found.is_empty() {
            return;
        }
        for process in found {
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
    }
}

/// None where the system does not tell.
fn collect_descendants(process: Pid, found: &mut Vec<Pid>) {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())) else { return };
    for thread in threads.filter_map(Result::ok) {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
            if !found.contains(&child) {
                found.push(child);
                collect_descendants(child, found);
            }
        }
    }
}
