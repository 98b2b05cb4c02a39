//! The databases of a simulated Dokploy server.

use super::{Binaries, Cluster, ClusterOptions, Door};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use tokio::sync::{Mutex, watch};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

/// One real cluster for each Postgres service, by the service's appName.
///
/// Clones share the same clusters.
#[derive(Debug, Clone)]
pub struct PostgresBackend {
    binaries: Binaries,
    settings: Vec<(String, String)>,
    services: Arc<std::sync::Mutex<HashMap<String, Arc<Mutex<Service>>>>>,
}

/// A Postgres service.
#[derive(Debug)]
struct Service {
    cluster: Option<Cluster>,
    target: watch::Sender<Option<SocketAddr>>,
    door: Option<Door>,
}

impl PostgresBackend {
    /// Keeps clusters of the PostgreSQL in `binaries`.
    pub fn new(binaries: Binaries) -> Self {
        Self { binaries, settings: Vec::new(), services: Arc::default() }
    }

    /// Gives every cluster made from now on a setting, such as `log_statement` and `all`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the service's cluster; the first time with this user, password and database, later on its data as it is.
    ///
    /// As on the real server, a service that runs is restarted, and its data remembers the first password.
    ///
    /// # Errors
    ///
    /// When PostgreSQL cannot be made or started.
    pub async fn deploy(&self, app_name: &str, user: &str, password: &str, database: &str) -> Result<(), String> {
        let service = self.service_or_new(app_name);
        let mut service = service.lock().await;
        let service = &mut *service;
        service.target.send_replace(None);
        if let Some(cluster) = &mut service.cluster {
            cluster.restart().await.map_err(text)?;
        } else {
            let mut options = ClusterOptions::new(user, password, database);
            options.settings.clone_from(&self.settings);
            service.cluster = Some(Cluster::start(&self.binaries, options).await.map_err(text)?);
        }
        service.target.send_replace(service.cluster.as_ref().map(Cluster::address));
        Ok(())
    }

    /// Opens `port` on the loopback in front of the service; a door that is open already is closed first.
    ///
    /// # Errors
    ///
    /// When the service is not deployed or the port is taken.
    pub async fn open_port(&self, app_name: &str, port: u16) -> Result<(), String> {
        let service = self.service(app_name)?;
        let mut service = service.lock().await;
        if let Some(door) = service.door.take() {
            door.close().await;
        }
        service.door = Some(Door::open(port, service.target.subscribe()).await.map_err(text)?);
        Ok(())
    }

    /// Closes the service's port, if it is open, and cuts its connections.
    ///
    /// # Errors
    ///
    /// When the service is not deployed.
    pub async fn close_port(&self, app_name: &str) -> Result<(), String> {
        let service = self.service(app_name)?;
        let door = service.lock().await.door.take();
        if let Some(door) = door {
            door.close().await;
        }
        Ok(())
    }

    /// Stops the service's server and starts it again: every session ends.
    ///
    /// # Errors
    ///
    /// When the service is not deployed or does not come back.
    pub async fn restart(&self, app_name: &str) -> Result<(), String> {
        let service = self.service(app_name)?;
        let mut service = service.lock().await;
        service.target.send_replace(None);
        let cluster = service.cluster.as_mut().ok_or_else(|| unknown(app_name))?;
        cluster.restart().await.map_err(text)?;
        let address = cluster.address();
        service.target.send_replace(Some(address));
        Ok(())
    }

    /// Gives a role another password.
    ///
    /// # Errors
    ///
    /// When the service is not deployed or PostgreSQL refuses.
    pub async fn change_password(&self, app_name: &str, user: &str, password: &str) -> Result<(), String> {
        let service = self.service(app_name)?;
        let service = service.lock().await;
        let cluster = service.cluster.as_ref().ok_or_else(|| unknown(app_name))?;
        cluster.set_password(user, password).await.map_err(text)
    }

    /// Removes the service with its data.
    ///
    /// # Errors
    ///
    /// None today; removing what is not there is fine.
    pub async fn remove(&self, app_name: &str) -> Result<(), String> {
        let removed = self.services.lock().unwrap_or_else(PoisonError::into_inner).remove(app_name);
        if let Some(service) = removed {
            let mut service = service.lock().await;
            service.target.send_replace(None);
            if let Some(door) = service.door.take() {
                door.close().await;
            }
            let cluster = service.cluster.take();
            tokio::task::spawn_blocking(move || drop(cluster)).await.map_err(text)?;
        }
        Ok(())
    }

    /// Runs `sql` as `psql -AtqX -v ON_ERROR_STOP=1 -c` would from a container with the environment `env`.
    ///
    /// `PGUSER`, `PGPASSWORD` and `PGDATABASE` are honoured; the host is the service itself. The answer is what `psql`
    /// would print: fields joined by `|`, a line for each row.
    ///
    /// # Errors
    ///
    /// What `psql` would print on its error output, with the SQLSTATE as with `VERBOSITY=verbose`.
    pub async fn run_sql(&self, app_name: &str, env: &BTreeMap<String, String>, sql: &str) -> Result<String, String> {
        let mut output = String::new();
        self.run_session(app_name, env, &[sql.to_owned()], &mut |text: &str| output.push_str(text)).await?;
        Ok(output)
    }

    /// Runs `commands` as `psql` would with a `-c` for each: in one session, the first error ends it. `print` takes what
    /// each of them printed as soon as it is done.
    ///
    /// # Errors
    ///
    /// As [`Self::run_sql`].
    pub async fn run_session(
        &self,
        app_name: &str,
        env: &BTreeMap<String, String>,
        commands: &[String],
        print: &mut (dyn for<'a> FnMut(&'a str) + Send),
    ) -> Result<(), String> {
        let address = {
            let service = self.service(app_name)?;
            let service = service.lock().await;
            service.cluster.as_ref().ok_or_else(|| unknown(app_name))?.address()
        };
        let value = |name: &str| env.get(name).map(String::as_str);
        let user = value("PGUSER").unwrap_or("root");
        let mut config = Config::new();
        config.host(address.ip().to_string()).port(address.port()).ssl_mode(SslMode::Disable);
        config.user(user).dbname(value("PGDATABASE").unwrap_or(user)).application_name("psql");
        if let Some(password) = value("PGPASSWORD") {
            config.password(password);
        }
        let (client, connection) = config.connect(NoTls).await.map_err(|error| psql_error(&error))?;
        let _connection = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
        for command in commands {
            let messages = client.simple_query(command).await.map_err(|error| psql_error(&error))?;
            print(&rows(&messages));
        }
        Ok(())
    }

    /// Where the service's server listens itself, without a door; for tests that look behind it.
    ///
    /// # Errors
    ///
    /// When the service is not deployed.
    pub async fn address(&self, app_name: &str) -> Result<SocketAddr, String> {
        let service = self.service(app_name)?;
        let service = service.lock().await;
        service.cluster.as_ref().map(Cluster::address).ok_or_else(|| unknown(app_name))
    }

    /// What the service's server has logged.
    ///
    /// # Errors
    ///
    /// When the service is not deployed or its log cannot be read.
    pub async fn log(&self, app_name: &str) -> Result<String, String> {
        let service = self.service(app_name)?;
        let service = service.lock().await;
        service.cluster.as_ref().ok_or_else(|| unknown(app_name))?.log().map_err(text)
    }

    /// The services that were deployed and not removed.
    pub(super) fn app_names(&self) -> Vec<String> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn service(&self, app_name: &str) -> Result<Arc<Mutex<Service>>, String> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.get(app_name).cloned().ok_or_else(|| unknown(app_name))
    }

    fn service_or_new(&self, app_name: &str) -> Arc<Mutex<Service>> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Mutex::new(Service { cluster: None, target: watch::Sender::new(None), door: None }));
        Arc::clone(services.entry(app_name.to_owned()).or_insert_with(new))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn unknown(app_name: &str) -> String {
    format!("no Postgres service `{app_name}` is deployed")
}

/// Prints rows as `psql -Atq` does.
fn rows(messages: &[SimpleQueryMessage]) -> String {
    let mut output = String::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let fields: Vec<&str> = (0..row.len()).map(|index| row.get(index).unwrap_or_default()).collect();
            // Writing to a `String` cannot fail.
            let _ = writeln!(output, "{}", fields.join("|"));
        }
    }
    output
}

/// An error as `psql` prints it with `VERBOSITY=verbose`, without its position.
fn psql_error(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(refusal) if *refusal.code() == SqlState::INVALID_PASSWORD => {
            format!("psql: error: connection to server failed: FATAL:  {}", refusal.message())
        }
        Some(refusal) => {
            format!("{}:  {}: {}", refusal.severity(), refusal.code().code(), refusal.message())
        }
        None => format!("psql: error: connection to server failed: {error}"),
    }
}
