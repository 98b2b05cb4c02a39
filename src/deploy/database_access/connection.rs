//! What both ways to the database have in common.

use crate::DeployError;
use crate::postgres::SqlTransport;
use async_trait::async_trait;

/// A way to the database that is open. Dropped, it is closed in the background.
#[async_trait]
pub(super) trait DatabaseConnection: Send + Sync {
    /// Runs SQL.
    fn transport(&self) -> &dyn SqlTransport;

    /// Closes it, and returns when nothing of it is left.
    ///
    /// # Errors
    ///
    /// What stayed open or was left behind; the next run finds it.
    async fn close(self) -> Result<(), DeployError>;
}

/// What is to be done in the database; harmless when it is done again.
#[async_trait]
pub(crate) trait DatabaseWork: Sync {
    /// What comes of it.
    type Output: Send;

    /// Does it.
    async fn run(&self, transport: &dyn SqlTransport) -> Result<Self::Output, DeployError>;
}

/// Does the work, and closes the connection whatever comes of it.
pub(super) async fn work_over<C: DatabaseConnection, W: DatabaseWork>(
    connection: C,
    work: &W,
) -> Result<W::Output, DeployError> {
    let result = work.run(connection.transport()).await;
    match (result, connection.close().await) {
        (Ok(value), Ok(())) => Ok(value),
        (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(second)) => Err(DeployError::join(vec![first, second])),
    }
}
