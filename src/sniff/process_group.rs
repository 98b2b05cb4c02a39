//! Every process that a sniffed app started, so that none is left running.
//!
//! They are found in three ways, as apps have many ways to lose their children: by the process group, by a mark in the
//! environment, and on Linux by descent, as the leader inherits what its children leave behind. What has left the group and
//! cleared its environment is out of reach only if the leader ended by itself before we looked.

use crate::system;
use tokio::process::Child;

/// The variable that marks every process of a run, so that one which left the group is found.
pub(super) const MARK: &str = "GKM_SNIFF";

/// Every process of a run; killed when dropped.
pub(super) struct ProcessGroup {
    leader: Option<u32>,
    mark: Vec<u8>,
}

impl ProcessGroup {
    pub(super) fn of(child: &Child, nonce: &str) -> Self {
        Self { leader: child.id(), mark: format!("{MARK}={nonce}").into_bytes() }
    }

    /// Kills the group and what has left it, while the leader runs or is not reaped yet.
    pub(super) fn kill(&mut self) {
        if let Some(leader) = self.leader {
            // Before the leader, which holds the others together: it inherits what they leave behind.
            system::kill_descendants(leader);
            system::kill_group(leader);
        }
        self.kill_rest();
    }

    /// Kills what is left of the group after its leader was reaped.
    pub(super) fn kill_rest(&mut self) {
        let Some(leader) = self.leader.take() else { return };
        system::kill_orphans(leader);
        system::kill_marked(&self.mark);
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}
