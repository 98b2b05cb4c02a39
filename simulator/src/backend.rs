//! What stands behind a simulated database service.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The database server behind each simulated Postgres service.
///
/// The simulator calls it when the container of a service really would start, stop or publish a port; every call is
/// made from the simulator's own runtime, and calls for one `app_name` never overlap. `app_name` is the final one,
/// with its random suffix.
#[async_trait]
pub trait DatabaseBackend: Send + Sync {
    /// Starts the database of a new service and returns when it accepts connections.
    ///
    /// It is called again after a restart of the same service and must then keep the data, the user and the password
    /// of the first call, as an initialised volume does.
    ///
    /// # Errors
    ///
    /// The text that the container's task shall show as its error.
    async fn deploy(&self, app_name: &str, user: &str, password: &str, database: &str) -> Result<(), String>;

    /// Makes the database reachable on `127.0.0.1:{port}`.
    ///
    /// # Errors
    ///
    /// The text that the container's task shall show, for example when the port is taken.
    async fn open_port(&self, app_name: &str, port: u16) -> Result<(), String>;

    /// Makes the external port refuse connections and breaks those that are open. Unknown names are ignored.
    async fn close_port(&self, app_name: &str);

    /// Breaks every connection to the database, as its container's restart does.
    async fn restart(&self, app_name: &str);

    /// Sets the password of the service's own user.
    ///
    /// # Errors
    ///
    /// What the database answered.
    async fn change_password(&self, app_name: &str, user: &str, password: &str) -> Result<(), String>;

    /// Removes the database. Unknown names are ignored.
    async fn remove(&self, app_name: &str);

    /// Runs `sql` as `psql` inside the server's network would, against the service `app_name`.
    ///
    /// `env` is the container's whole environment: `PGUSER`, `PGPASSWORD` and `PGDATABASE` name who connects to what.
    ///
    /// # Errors
    ///
    /// What `psql` would print on standard error.
    async fn run_sql(&self, app_name: &str, env: &[(String, String)], sql: &str) -> Result<String, String>;

    /// Runs `commands` one after the other in one session, as `psql` does with several `-c`; `print` takes what each of
    /// them printed as soon as it is done. The first error ends it.
    ///
    /// The default runs each in a session of its own, which is the same where no command leaves a transaction open.
    ///
    /// # Errors
    ///
    /// What `psql` would print on standard error.
    async fn run_session(
        &self,
        app_name: &str,
        env: &[(String, String)],
        commands: &[String],
        print: &mut (dyn for<'a> FnMut(&'a str) + Send),
    ) -> Result<(), String> {
        for command in commands {
            print(&self.run_sql(app_name, env, command).await?);
        }
        Ok(())
    }

    /// Stops everything; called once by [`Simulator::shutdown`](crate::Simulator::shutdown).
    async fn shutdown(&self) {}
}

/// A backend without a database: an external port is a TCP listener that accepts connections and never answers.
#[derive(Debug, Default)]
pub struct PlainPorts {
    doors: Mutex<HashMap<String, DropGuard>>,
}

#[async_trait]
impl DatabaseBackend for PlainPorts {
    async fn deploy(&self, _app_name: &str, _user: &str, _password: &str, _database: &str) -> Result<(), String> {
        Ok(())
    }

    async fn open_port(&self, app_name: &str, port: u16) -> Result<(), String> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
        let closed = CancellationToken::new();
        let door = closed.clone();
        tokio::spawn(closed.clone().run_until_cancelled_owned(async move {
            let mut held = Vec::new();
            loop {
                match listener.accept().await {
                    Ok((connection, _)) => held.push(connection),
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        }));
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).insert(app_name.to_owned(), door.drop_guard());
        Ok(())
    }

    async fn close_port(&self, app_name: &str) {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).remove(app_name);
        // The listener closes when its task is dropped, which needs a turn of the runtime.
        tokio::task::yield_now().await;
    }

    async fn restart(&self, _app_name: &str) {}

    async fn change_password(&self, _app_name: &str, _user: &str, _password: &str) -> Result<(), String> {
        Ok(())
    }

    async fn remove(&self, app_name: &str) {
        self.close_port(app_name).await;
    }

    async fn run_sql(&self, _app_name: &str, _env: &[(String, String)], _sql: &str) -> Result<String, String> {
        Ok(String::new())
    }
}
