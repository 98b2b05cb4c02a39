//! A young database: what restarts it while it initialises its volume leaves one that never starts again.

use super::port::{PortTarget, answers};
use crate::dokploy::ServiceStatus;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

/// A database that is older than this has long initialised its volume, whatever its log still says.
const INITIALISING: time::Duration = time::Duration::minutes(3);
/// What the official images log when their volume is initialised.
const INITIALISED: [&str; 2] = ["PostgreSQL init process complete", "Skipping initialization"];
/// How many lines of the log are read.
const LINES: u16 = 200;
/// How often the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Waits until the database may be restarted, for as long as it may take to start; `port` is where it may answer.
///
/// An old one may be at once. Opening and closing its port restarts it, and so does deploying it.
pub(super) async fn initialised(target: &PortTarget, port: Option<u16>) {
    let deadline = Instant::now() + target.starting;
    while Instant::now() < deadline && is_initialising(target).await {
        if let Some(port) = port
            && answers(&target.host, port).await
        {
            return;
        }
        sleep(LOOK_EVERY.min(target.landing)).await;
    }
}

/// Whether the database may be initialising its volume; also when that cannot be found out just now.
async fn is_initialising(target: &PortTarget) -> bool {
    let api = target.client.postgres();
    let record = match api.one(&target.postgres_id).await {
        Ok(record) => record,
        Err(error) => return error.is_transient(),
    };
    let made = OffsetDateTime::parse(&record.created_at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    if (target.now)() - made > INITIALISING {
        return false;
    }
    match record.application_status {
        // Never deployed: nothing runs.
        ServiceStatus::Idle => false,
        ServiceStatus::Running => true,
        status => match api.read_logs(&target.postgres_id, LINES).await {
            // Deployed in vain: nothing runs, unless an earlier deployment started it.
            Ok(log) if status == ServiceStatus::Error && log.expose().trim().is_empty() => false,
            Ok(log) => !INITIALISED.iter().any(|sign| log.expose().contains(sign)),
            Err(_) => status != ServiceStatus::Error,
        },
    }
}
