//! The database's external port: opened for as long as it is needed, and closed on every way out (I4).

use super::initialise::initialised;
use super::serving::serves_again;
use crate::dokploy::{ApiError, Dokploy};
use crate::secrets::Entropy;
use crate::state::{Entry, Intent, Journal, Outcome};
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

/// The ports to choose from: five digits, since the server compares by prefix, and below those that a Linux machine gives
/// to outgoing connections (facts: External port).
const PORTS: std::ops::Range<u16> = 20_000..32_768;
/// How many ports are tried when the server says that one is taken.
const CHOICES: u32 = 8;
/// How long a probe of a port may take.
const PROBE: Duration = Duration::from_secs(1);
/// How often a closing port is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long a port may stay reachable after it was closed.
const CLOSING_LIMIT: Duration = Duration::from_mins(1);
/// How often a port is closed that opens again.
const CLOSINGS: u32 = 3;

/// The database service whose port is concerned.
#[derive(Debug, Clone)]
pub(super) struct PortTarget {
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

/// A port that is open, or about to be: dropped, it is closed in the background.
pub(super) struct OpenPort {
    target: PortTarget,
    port: u16,
    journal: Journal,
    entry: Entry,
    cleanup: TaskTracker,
    /// The call that opens it; it goes on when we are dropped, because a close must not be sent beside it.
    opening: Option<JoinHandle<Result<(), ApiError>>>,
    /// Whether the database was reached through it.
    reached: bool,
    closed: bool,
}

impl OpenPort {
    /// Opens a free port; the intent is journaled first.
    ///
    /// # Errors
    ///
    /// `DATABASE_PORT` when no port could be opened, `DOKPLOY_*` when the server fails.
    pub(super) async fn open(
        target: PortTarget,
        step: &str,
        journal: &Journal,
        cleanup: &TaskTracker,
        now: OffsetDateTime,
        entropy: &dyn Entropy,
    ) -> Result<Self, DeployError> {
        for _ in 0..CHOICES {
            let port = choose(entropy);
            // The server may not see a port that a process of its host holds; a connection does.
            if answers(&target.host, port).await {
                continue;
            }
            let until = (now + target.landing).format(&Rfc3339).unwrap_or_default();
            let intent = Intent::OpenDatabasePort { postgres_id: target.postgres_id.clone(), port, until };
            let entry = journal.intend(step, intent).await?;
            let call = cleanup.spawn(ask_to_open(target.clone(), port));
            let mut open = Self {
                target: target.clone(),
                port,
                journal: journal.clone(),
                entry,
                cleanup: cleanup.clone(),
                opening: Some(call),
                reached: false,
                closed: false,
            };
            match open.opened().await {
                Ok(()) => return Ok(open),
                Err(error) if error.is_conflict() => {
                    open.closed = true;
                    journal.settle(&open.entry, Outcome::NotDone).await?;
                }
                Err(error) => {
                    open.close().await?;
                    return Err(DeployError::from(error).reason("port"));
                }
            }
        }
        Err(DeployError::new(
            ErrorCode::DatabasePort,
            format!("No free port was found on {} in {CHOICES} tries", target.host),
        )
        .resource("postgres")
        .retryable(true))
    }

    /// The port.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Says that the database was reached: it may be restarted at any time from now on.
    pub(super) const fn reached(&mut self) {
        self.reached = true;
    }

    /// Waits for the call that opens the port; stays cancel-safe, since the call has a task of its own.
    async fn opened(&mut self) -> Result<(), ApiError> {
        let Some(opening) = self.opening.as_mut() else { return Ok(()) };
        let result = opening.await;
        self.opening = None;
        match result {
            Ok(result) => result,
            // The task cannot fail but by a panic; the port is closed as if it had been opened.
            Err(_) => Ok(()),
        }
    }

    /// Closes the port, and returns when it is true that it is closed and the database takes connections again.
    ///
    /// # Errors
    ///
    /// `DATABASE_PORT` when it could not be closed: the journal keeps it, and the next run closes it first.
    pub(super) async fn close(mut self) -> Result<(), DeployError> {
        // In a task of its own, so that a cancelled run still closes it.
        let until = if self.reached { Until::Serving } else { Until::Closed };
        let work = self.close_out(until);
        let task = self.cleanup.spawn(work);
        self.closed = true;
        match task.await {
            Ok(result) => result,
            Err(error) => Err(DeployError::new(ErrorCode::Internal, "Closing the port stopped").caused_by(&error)),
        }
    }
}

impl OpenPort {
    /// Waits for an outstanding open, closes, and settles the journal.
    fn close_out(&mut self, until: Until) -> impl Future<Output = Result<(), DeployError>> + Send + 'static {
        let (target, port, reached) = (self.target.clone(), self.port, self.reached);
        let (journal, entry, opening) = (self.journal.clone(), self.entry.clone(), self.opening.take());
        async move {
            if let Some(opening) = opening
                && let Ok(Err(error)) = opening.await
                && !error.outcome_unknown()
            {
                return journal.settle(&entry, Outcome::NotDone).await;
            }
            // Opening it may have started a new database, which closing it restarts. Only now is there one to look at.
            if !reached {
                initialised(&target, Some(port)).await;
            }
            close(&target, Some(port), until).await?;
            journal.settle(&entry, Outcome::Done).await
        }
    }
}

impl Drop for OpenPort {
    fn drop(&mut self) {
        if self.closed || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let work = self.close_out(Until::Closed);
        self.cleanup.spawn(work);
    }
}

/// Asks for a port to be opened, and has an answer only when nothing of it can take effect any more: a request whose
/// answer was lost may have done so all the same; then the port is open.
async fn ask_to_open(target: PortTarget, port: u16) -> Result<(), ApiError> {
    match target.client.postgres().save_external_port(&target.postgres_id, Some(port)).await {
        Err(error) if error.outcome_unknown() && landed(&target).await => Ok(()),
        result => result,
    }
}

/// Closes a port that an interrupted run announced in its journal.
///
/// # Errors
///
/// As [`close`].
pub(super) async fn close_interrupted(
    target: &PortTarget,
    port: u16,
    until: &str,
    now: OffsetDateTime,
) -> Result<(), DeployError> {
    // An open still under way wins over a close sent meanwhile, so it is waited for first.
    let rest = OffsetDateTime::parse(until, &Rfc3339)
        .map_or(target.landing, |until| Duration::try_from(until - now).unwrap_or_default().min(target.landing));
    let waiting = PortTarget { landing: rest, ..target.clone() };
    landed(&waiting).await;
    match target.client.postgres().one(&target.postgres_id).await {
        Err(error) if error.is_not_found() => return Ok(()),
        Ok(found) if found.open_port().is_none() && !answers(&target.host, port).await => return Ok(()),
        _ => initialised(target, Some(port)).await,
    }
    close(target, Some(port), Until::Serving).await
}

/// Looks until the server says that the port is open or its longest time has passed; says whether it is open.
async fn landed(target: &PortTarget) -> bool {
    let deadline = Instant::now() + target.landing;
    loop {
        if let Ok(found) = target.client.postgres().one(&target.postgres_id).await
            && found.open_port().is_some()
        {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(LOOK_EVERY.min(target.landing)).await;
    }
}

/// What is waited for when a port is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Nothing but that.
    Closed,
    /// That the database, which closing the port restarts, takes connections again.
    Serving,
}

/// Closes the port: true when the server says so *and* no connection succeeds, looked at again after a while.
///
/// # Errors
///
/// `DATABASE_PORT` when it stays open, `DOKPLOY_*` when the server cannot be asked.
pub(super) async fn close(target: &PortTarget, port: Option<u16>, until: Until) -> Result<(), DeployError> {
    for _ in 0..CLOSINGS {
        target
            .client
            .repeat(|| async { target.client.postgres().save_external_port(&target.postgres_id, None).await })
            .await?;
        if !closed_within(target, port, CLOSING_LIMIT).await? {
            continue;
        }
        let again = async {
            sleep(target.landing / 8).await;
            is_closed(target, port).await
        };
        let serves = async {
            if until == Until::Serving {
                serves_again(target).await;
            }
        };
        let (closed, ()) = tokio::join!(again, serves);
        if closed? {
            return Ok(());
        }
    }
    Err(DeployError::new(
        ErrorCode::DatabasePort,
        format!("The external port of the database on {} could not be closed", target.host),
    )
    .resource("postgres")
    .retryable(true)
    .hint("Remove the external port of the database in Dokploy by hand; the next run tries it first, too"))
}

async fn closed_within(target: &PortTarget, port: Option<u16>, limit: Duration) -> Result<bool, DeployError> {
    let deadline = Instant::now() + limit;
    loop {
        if is_closed(target, port).await? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn is_closed(target: &PortTarget, port: Option<u16>) -> Result<bool, DeployError> {
    let stored = target.client.postgres().one(&target.postgres_id).await?.open_port();
    let reachable = match port {
        Some(port) => answers(&target.host, port).await,
        None => false,
    };
    Ok(stored.is_none() && !reachable)
}

/// Whether a connection to a port succeeds.
pub(super) async fn answers(host: &str, port: u16) -> bool {
    matches!(timeout(PROBE, TcpStream::connect((host, port))).await, Ok(Ok(_)))
}

fn choose(entropy: &dyn Entropy) -> u16 {
    let mut bytes = [0; 2];
    entropy.fill(&mut bytes);
    PORTS.start + u16::from_le_bytes(bytes) % (PORTS.end - PORTS.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SystemEntropy;

    #[test]
    fn i4_ports_have_five_digits_and_are_not_for_outgoing_connections() {
        for _ in 0..1000 {
            let port = choose(&SystemEntropy);
            assert!((20_000..32_768).contains(&port));
        }
    }
}
