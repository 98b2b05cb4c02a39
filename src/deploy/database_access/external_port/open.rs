//! Opening the external port for as long as it is needed. It is closed on every way out (I4).

use super::close::Until;
use super::target::PortTarget;
use crate::dokploy::ApiError;
use crate::secrets::Entropy;
use crate::state::{Entry, Intent, Journal, Outcome};
use crate::{DeployError, ErrorCode};
use time::format_description::well_known::Rfc3339;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// The ports to choose from: five digits, since the server compares by prefix, and below those that a Linux machine gives
/// to outgoing connections (facts: External port).
const PORTS: std::ops::Range<u16> = 20_000..32_768;
/// How many ports are tried when the server says that one is taken.
const CHOICES: u32 = 8;

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
        entropy: &dyn Entropy,
    ) -> Result<Self, DeployError> {
        for _ in 0..CHOICES {
            let port = choose(entropy);
            // The server may not see a port that a process of its host holds; a connection does.
            if target.accepts(port).await {
                continue;
            }
            let until = ((target.now)() + target.landing).format(&Rfc3339).unwrap_or_default();
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
        .hint(
            "Every port that was tried is taken on the server. Run again, which tries others, or do without a port: \
             `databaseAccess: 'internal'`",
        )
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
                target.wait_until_initialised(Some(port)).await;
            }
            target.close(Some(port), until).await?;
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
        Err(error) if error.outcome_unknown() && target.opens_within(target.landing).await => Ok(()),
        result => result,
    }
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
