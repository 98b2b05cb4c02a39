//! The database service whose external port is opened and closed.

use crate::deploy::request::Surroundings;
use crate::dokploy::Dokploy;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long a probe of a port may take.
const PROBE: Duration = Duration::from_secs(1);
/// How often an opening or closing port is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The database service whose port is concerned.
#[derive(Debug, Clone)]
pub(crate) struct PortTarget {
    /// The server.
    pub(super) client: Dokploy,
    /// The Postgres service.
    pub(super) postgres_id: String,
    /// Where its port is reached.
    pub(super) host: String,
    /// How long a request whose answer was lost may still take effect.
    pub(super) landing: Duration,
    /// How long the database may take to start.
    pub(super) starting: Duration,
    /// The clock.
    pub(super) now: fn() -> OffsetDateTime,
}

impl PortTarget {
    /// The Postgres service of this id, whose port is reached at `host`.
    pub(crate) fn new(client: &Dokploy, postgres_id: &str, host: &str, surroundings: &Surroundings) -> Self {
        Self {
            client: client.clone(),
            postgres_id: postgres_id.to_owned(),
            host: host.to_owned(),
            landing: surroundings.landing,
            starting: surroundings.database_deadline,
            now: surroundings.now,
        }
    }

    /// Whether a connection to a port succeeds.
    pub(super) async fn accepts(&self, port: u16) -> bool {
        matches!(timeout(PROBE, TcpStream::connect((self.host.as_str(), port))).await, Ok(Ok(_)))
    }

    /// Looks until the server says that the port is open or `limit` has passed; says whether it is open.
    pub(super) async fn opens_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            if let Ok(found) = self.client.postgres().one(&self.postgres_id).await
                && found.open_port().is_some()
            {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            sleep(LOOK_EVERY.min(limit)).await;
        }
    }
}
