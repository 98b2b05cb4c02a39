//! Closing the external port: for certain, and after an interrupted run (I4).

use super::target::{LOOK_EVERY, PortTarget};
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

/// How long a port may stay reachable after it was closed.
const CLOSING_LIMIT: Duration = Duration::from_mins(1);
/// How often a port is closed that opens again.
const CLOSINGS: u32 = 3;

/// What is waited for when a port is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Nothing but that.
    Closed,
    /// That the database, which closing the port restarts, takes connections again.
    Serving,
}

impl PortTarget {
    /// Closes the port: true when the server says so *and* no connection succeeds, looked at again after a while.
    ///
    /// # Errors
    ///
    /// `DATABASE_PORT` when it stays open, `DOKPLOY_*` when the server cannot be asked.
    pub(crate) async fn close(&self, port: Option<u16>, until: Until) -> Result<(), DeployError> {
        for _ in 0..CLOSINGS {
            let postgres = self.client.postgres();
            self.client.repeat(|| async { postgres.save_external_port(&self.postgres_id, None).await }).await?;
            if !self.closes_within(port, CLOSING_LIMIT).await? {
                continue;
            }
            let again = async {
                sleep(self.landing / 8).await;
                self.is_closed(port).await
            };
            let serving = async {
                if until == Until::Serving {
                    self.wait_until_serving().await;
                }
            };
            let (closed, ()) = tokio::join!(again, serving);
            if closed? {
                return Ok(());
            }
        }
        let message = format!("The external port of the database on {} could not be closed", self.host);
        Err(DeployError::new(ErrorCode::DatabasePort, message)
            .resource("postgres")
            .retryable(true)
            .hint("Remove the external port of the database in Dokploy by hand; the next run tries it first, too"))
    }

    /// Closes a port that an interrupted run announced in its journal.
    ///
    /// # Errors
    ///
    /// As [`Self::close`].
    pub(crate) async fn close_interrupted(&self, port: u16, until: &str) -> Result<(), DeployError> {
        // An open still under way wins over a close sent meanwhile, so it is waited for first.
        let left = |until| Duration::try_from(until - (self.now)()).unwrap_or_default().min(self.landing);
        let rest = OffsetDateTime::parse(until, &Rfc3339).map_or(self.landing, left);
        self.opens_within(rest).await;
        match self.client.postgres().one(&self.postgres_id).await {
            Err(error) if error.is_not_found() => return Ok(()),
            Ok(found) if found.open_port().is_none() && !self.accepts(port).await => return Ok(()),
            _ => self.wait_until_initialised(Some(port)).await,
        }
        self.close(Some(port), Until::Serving).await
    }

    async fn closes_within(&self, port: Option<u16>, limit: Duration) -> Result<bool, DeployError> {
        let deadline = Instant::now() + limit;
        loop {
            if self.is_closed(port).await? {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn is_closed(&self, port: Option<u16>) -> Result<bool, DeployError> {
        let stored = self.client.postgres().one(&self.postgres_id).await?.open_port();
        let reachable = match port {
            Some(port) => self.accepts(port).await,
            None => false,
        };
        Ok(stored.is_none() && !reachable)
    }
}
