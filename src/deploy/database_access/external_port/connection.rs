//! A connection to the database through its external port.

use super::open::OpenPort;
use super::target::PortTarget;
use crate::DeployError;
use crate::deploy::changes::StepContext;
use crate::deploy::context::PostgresService;
use crate::deploy::database_access::connection::DatabaseConnection;
use crate::postgres::{ConnectOptions, Login, PortTransport, SqlTransport};
use crate::secrets::Secret;
use async_trait::async_trait;

/// The database through its external port. Dropped, the port is closed in the background.
pub(in crate::deploy::database_access) struct ExternalPortConnection<'a> {
    cx: StepContext<'a>,
    port: OpenPort,
    transport: PortTransport,
}

impl<'a> ExternalPortConnection<'a> {
    /// Opens the port, and waits until the database is reached through it.
    ///
    /// # Errors
    ///
    /// `DATABASE_PORT`, `POSTGRES_UNREACHABLE`, `DOKPLOY_*`; the port is closed again.
    pub(in crate::deploy::database_access) async fn open(
        cx: StepContext<'a>,
        target: PortTarget,
        service: &PostgresService,
        password: Secret,
    ) -> Result<Self, DeployError> {
        cx.progress("opening the external port");
        let host = target.host.clone();
        let port = OpenPort::open(target, &cx.step.id, &cx.journal, &cx.cleanup, cx.entropy()).await?;
        let login = Login { host, port: port.port(), user: service.user.clone(), password };
        let options = ConnectOptions { deadline: cx.surroundings.database_deadline, ..ConnectOptions::default() };
        let mut connection = Self { cx, port, transport: PortTransport::new(login, options) };
        cx.progress("waiting for the database");
        match connection.transport.wait_until_reachable(&service.database).await {
            Ok(()) => {
                connection.port.reached();
                Ok(connection)
            }
            Err(error) => match connection.close().await {
                Ok(()) => Err(error),
                Err(second) => Err(DeployError::join(vec![error, second])),
            },
        }
    }
}

#[async_trait]
impl DatabaseConnection for ExternalPortConnection<'_> {
    fn transport(&self) -> &dyn SqlTransport {
        &self.transport
    }

    async fn close(self) -> Result<(), DeployError> {
        self.cx.progress("closing the external port");
        let Self { port, transport, .. } = self;
        drop(transport);
        port.close().await
    }
}
