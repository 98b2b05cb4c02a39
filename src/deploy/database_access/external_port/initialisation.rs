//! A young database: what restarts it while it initialises its volume leaves one that never starts again.

use super::target::{LOOK_EVERY, PortTarget};
use crate::dokploy::ServiceStatus;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

/// A database that has run, or without a log was made, longer ago than this has initialised its volume.
const INITIALISING: time::Duration = time::Duration::minutes(3);
/// What the official images log when their volume is initialised.
const INITIALISED: [&str; 2] = ["PostgreSQL init process complete", "Skipping initialization"];
/// How many lines of the log are read.
const LINES: u16 = 200;

impl PortTarget {
    /// Waits until the database may be restarted, for as long as it may take to start; `port` is where it may answer.
    ///
    /// An old one may be at once. Opening and closing its port restarts it, and so does deploying it.
    pub(crate) async fn wait_until_initialised(&self, port: Option<u16>) {
        let deadline = Instant::now() + self.starting;
        while Instant::now() < deadline && self.is_initialising().await {
            if let Some(port) = port
                && self.accepts(port).await
            {
                return;
            }
            sleep(LOOK_EVERY.min(self.landing)).await;
        }
    }

    /// Whether the database may be initialising its volume; also when that cannot be found out just now.
    async fn is_initialising(&self) -> bool {
        let api = self.client.postgres();
        let record = match api.one(&self.postgres_id).await {
            Ok(record) => record,
            Err(error) => return error.is_transient(),
        };
        // Never deployed: nothing runs.
        if record.application_status == ServiceStatus::Idle {
            return false;
        }
        let now = (self.now)();
        let log = api.read_logs(&self.postgres_id, LINES).await;
        if let Some(initialised) = log.as_ref().ok().and_then(|log| has_initialised(log.expose(), now)) {
            return !initialised;
        }
        match record.application_status {
            // Deployed in vain: nothing runs.
            ServiceStatus::Idle | ServiceStatus::Error => false,
            // However long its image takes to come.
            ServiceStatus::Running => true,
            ServiceStatus::Done | ServiceStatus::Unknown => {
                let made = OffsetDateTime::parse(&record.created_at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
                now - made <= INITIALISING
            }
        }
    }
}

/// Whether a log tells of an initialised volume: it says so, or it is too old to tell. `None` when there is none.
fn has_initialised(log: &str, now: OffsetDateTime) -> Option<bool> {
    let oldest = log.lines().filter_map(|line| line.split_whitespace().next()).min()?;
    let began = OffsetDateTime::parse(oldest, &Rfc3339).unwrap_or(now);
    Some(now - began > INITIALISING || INITIALISED.iter().any(|sign| log.contains(sign)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_log_tells_by_its_words_or_by_its_age() {
        let now = datetime!(2026-11-23 08:50:00 UTC);
        let young =
            "2026-11-23T08:49:30.000000001Z The files belonging to this database system will be owned by postgres";
        let done = "2026-11-23T08:49:40.000000001Z PostgreSQL init process complete; ready for start up.";
        let old = "2026-11-23T08:40:00.000000001Z LOG:  checkpoint complete";
        assert_eq!(has_initialised(young, now), Some(false));
        assert_eq!(has_initialised(&[young, done].join("\n"), now), Some(true));
        assert_eq!(has_initialised(old, now), Some(true), "what told of it is no longer among the last lines");
        assert_eq!(has_initialised("\n", now), None);
    }
}
