//! SQL from inside the server's network: a short-lived application of ours runs `psql`, and its log is the answer.
//!
//! No port opens and the database is not restarted (facts: Running SQL from inside the server's network). The master
//! password stands in the application's environment for as long as the application exists, and nowhere else.

use super::limits::{InternalLimits, WayFailure, WayRecord};
use super::psql::{Psql, too_long};
use crate::deploy::changes::{Job, JobDeletion, StepContext};
use crate::deploy::database_access::connection::DatabaseConnection;
use crate::deploy::database_access::target::DatabaseTarget;
use crate::postgres::{Script, SqlTransport};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest argument that Linux passes to a program, without its final zero byte.
const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;
/// The most bytes of all arguments: Dokploy takes 1 MB in the body of a request, where some are escaped. The longer script
/// of ten apps takes 30 kB, and each further app some 200 bytes.
const LONGEST_SCRIPT: usize = 800 * 1024;
/// What `psql` does when the answer is printed: it stays, for the server is seen to give the log of a container that runs.
const STAY: &str = "SET client_connection_check_interval = '1s'; SELECT pg_catalog.pg_sleep(30)";

/// Runs scripts by `psql` in an application of our own beside the database, a new one for each script.
pub(in crate::deploy::database_access) struct InternalConnection<'a> {
    psql: Psql<'a>,
    environment: String,
    way: Arc<WayRecord>,
    /// The deletion of the last script's job.
    deletion: Mutex<Option<JobDeletion>>,
}

impl<'a> InternalConnection<'a> {
    /// Describes the connection; nothing is made yet. `image` is the one that the database runs.
    pub(in crate::deploy::database_access) fn new(
        cx: StepContext<'a>,
        target: DatabaseTarget,
        image: String,
        password: Secret,
        limits: InternalLimits,
    ) -> Self {
        let DatabaseTarget { service, environment } = target;
        let way = Arc::new(WayRecord::new(image.clone()));
        Self { psql: Psql { cx, service, image, password, limits }, environment, way, deletion: Mutex::default() }
    }

    /// What is learned of the way by going it; it stays when the connection is closed.
    pub(in crate::deploy::database_access) fn way(&self) -> Arc<WayRecord> {
        Arc::clone(&self.way)
    }

    fn deletion(&self) -> MutexGuard<'_, Option<JobDeletion>> {
        self.deletion.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down why this way does not lead to the database, where that is what an error says.
    fn record_failure(&self, error: DeployError) -> DeployError {
        let of_the_way = match error.code() {
            ErrorCode::DokployRequest
            | ErrorCode::DokployForbidden
            | ErrorCode::DokployUnsupported
            | ErrorCode::DeploymentFailed
            | ErrorCode::PostgresUnreachable => true,
            ErrorCode::PostgresQuery => error.reason_name() == Some("too-long"),
            _ => false,
        };
        if !of_the_way {
            return error;
        }
        let no_psql = error.reason_name() == Some("no-psql");
        self.way.failed(WayFailure { message: error.message().to_owned(), no_psql });
        error.retryable(false).hint(
            "Set databaseAccess to 'external-port' (or to 'auto', which falls back on it), or look at the database's log \
             in Dokploy and deploy again",
        )
    }
}

#[async_trait]
impl SqlTransport for InternalConnection<'_> {
    async fn execute(&self, database: &str, script: &Script) -> Result<String, DeployError> {
        let Some(args) = arguments(script) else { return Err(self.record_failure(too_long())) };
        self.psql.cx.progress("creating a short-lived application for psql");
        let job = Job::create(self.psql.cx, &self.environment, "sql", "works on the database").await;
        let mut job = job.map_err(|error| self.record_failure(error))?;
        let result = self.psql.run(&mut job, database, script, &args).await;
        let deletion = job.delete();
        match result {
            Ok(output) => {
                // The next script need not wait for that.
                let before = self.deletion().replace(deletion);
                finished(before).await?;
                Ok(output)
            }
            Err(error) => match deletion.finished().await {
                Ok(()) => Err(self.record_failure(error)),
                Err(second) => Err(DeployError::join(vec![error, second])),
            },
        }
    }
}

#[async_trait]
impl DatabaseConnection for InternalConnection<'_> {
    fn transport(&self) -> &dyn SqlTransport {
        self
    }

    /// A job that stayed still holds the master password: that is not to be passed over.
    async fn close(self) -> Result<(), DeployError> {
        let last = self.deletion().take();
        finished(last).await
    }
}

/// Waits until a job is gone.
async fn finished(deletion: Option<JobDeletion>) -> Result<(), DeployError> {
    match deletion {
        Some(deletion) => deletion.finished().await,
        None => Ok(()),
    }
}

/// The arguments of `psql`; none when they are too long.
fn arguments(script: &Script) -> Option<Vec<Secret>> {
    let arguments = script.psql_arguments(LONGEST_ARGUMENT)?;
    let length: usize = arguments.iter().map(String::len).sum();
    let stay = ["-c", STAY].map(Secret::new);
    (length <= LONGEST_SCRIPT).then(|| arguments.into_iter().map(Secret::new).chain(stay).collect())
}
