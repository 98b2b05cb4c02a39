//! A database that was just restarted: whether it takes connections again is told by its log, since no port leads to it.

use super::target::{LOOK_EVERY, PortTarget};
use tokio::time::{Instant, sleep};

/// What the PostgreSQL server logs when it takes connections.
const READY: &str = "database system is ready to accept connections";
/// What it logs when it is about to stop, has stopped, or begins to start.
const AWAY: [&str; 4] = [
    "received fast shutdown request",
    "received smart shutdown request",
    "database system is shut down",
    "starting PostgreSQL",
];
/// How many lines of the log are read.
const LINES: u16 = 200;

impl PortTarget {
    /// Waits until the database takes connections again after its port was closed, for as long as it may take to start.
    ///
    /// An app that is deployed meanwhile may end for want of it, and Swarm would roll it back. A server whose log says
    /// neither that it is ready nor that it is away is not waited for longer than a restart needs to show.
    pub(super) async fn wait_until_serving(&self) {
        let begun = Instant::now();
        loop {
            let log = self.client.postgres().read_logs(&self.postgres_id, LINES).await;
            let limit = match log.as_ref().ok().and_then(|log| is_ready(log.expose())) {
                Some(true) => return,
                Some(false) => self.starting,
                None => self.landing,
            };
            if begun.elapsed() >= limit {
                return;
            }
            sleep(LOOK_EVERY.min(self.landing)).await;
        }
    }
}

/// Whether the newest sign of a log says that the server takes connections; `None` when there is no sign.
///
/// Lines begin with their time, and those of several containers are mixed.
fn is_ready(log: &str) -> Option<bool> {
    let is_sign = |line: &&str| line.contains(READY) || AWAY.iter().any(|sign| line.contains(sign));
    let newest = log.lines().filter(is_sign).max_by_key(|line| line.split_whitespace().next())?;
    Some(newest.contains(READY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_sign_counts_whatever_the_order_of_the_lines() {
        let ready = "2026-11-23T08:46:20.000000001Z LOG:  database system is ready to accept connections";
        let starting = "2026-11-23T08:46:19.000000001Z LOG:  starting PostgreSQL 18.1 on x86_64-pc-linux-musl";
        let old = "2026-11-23T08:40:00.000000001Z LOG:  database system is ready to accept connections";
        let stopped = "2026-11-23T08:46:10.000000001Z LOG:  database system is shut down";
        assert_eq!(is_ready(&[ready, starting, old, stopped].join("\n")), Some(true));
        assert_eq!(is_ready(&[starting, old, stopped].join("\n")), Some(false));
        assert_eq!(is_ready(&[old, stopped].join("\n")), Some(false));
        assert_eq!(is_ready("2026-11-23T08:46:19.000000001Z something else"), None);
        assert_eq!(is_ready(""), None);
    }
}
