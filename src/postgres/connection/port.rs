//! SQL over an opened port.

use super::cleartext_guard::{CleartextRequested, Guarded, GuardedTls};
use super::tls;
use crate::postgres::failure::{authentication_error, query_error};
use crate::postgres::script::{Script, SqlTransport};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use derive_setters::Setters;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::task::AbortOnDropHandle;

/// Where a database is reached, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The host name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// How long a [`PortTransport`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Setters)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// How long one attempt to log in may take; default 5 s.
    pub attempt: Duration,
    /// How long the database may take to become reachable; default 60 s.
    pub deadline: Duration,
    /// How long to wait between two attempts; default 250 ms.
    pub pause: Duration,
    /// How long one script may run; default 180 s.
    pub script: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(5),
            deadline: Duration::from_mins(1),
            pause: Duration::from_millis(250),
            script: Duration::from_mins(3),
        }
    }
}

/// Runs scripts over PostgreSQL's protocol on one connection, made when it is needed and kept.
///
/// TLS is used where the server offers it; its certificate is not verified, see the sources. The password is never sent in
/// clear, also not to a server that asks for it so. Dropping the transport, or a
/// future of it, closes the connection, whereupon the server takes back what was under way.
#[derive(Debug)]
pub struct PortTransport {
    login: Login,
    options: ConnectOptions,
    session: Mutex<Option<Session>>,
}

/// A session on a database.
#[derive(Debug)]
struct Session {
    database: String,
    client: Client,
    /// Keeps the session's socket moving; aborted with it.
    _connection: AbortOnDropHandle<()>,
}

impl PortTransport {
    /// Describes a transport; nothing is connected yet.
    pub fn new(login: Login, options: ConnectOptions) -> Self {
        Self { login, options, session: Mutex::new(None) }
    }

    /// Waits until the database takes our login, and keeps the connection for the first script.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::PostgresUnreachable`] when the deadline has passed, with what stood in the way last as its reason:
    /// `unresolved` (no such host), `refused`, `timed-out`, `starting-up` or `closed`.
    /// [`ErrorCode::PostgresAuthentication`] at once when the login is refused, and [`ErrorCode::PostgresQuery`] when the
    /// database does not exist.
    pub async fn wait_until_reachable(&self, database: &str) -> Result<(), DeployError> {
        let mut kept = self.session.lock().await;
        let session = self.session_on(database, kept.take()).await?;
        *kept = Some(session);
        Ok(())
    }

    /// The kept session where it is of use, else a new one.
    async fn session_on(&self, database: &str, kept: Option<Session>) -> Result<Session, DeployError> {
        match kept {
            Some(session) if session.database == database && !session.client.is_closed() => Ok(session),
            _ => self.open(database).await,
        }
    }

    async fn open(&self, database: &str) -> Result<Session, DeployError> {
        let mut connector = tls::connector()?;
        let deadline = Instant::now() + self.options.deadline;
        let mut last = None;
        loop {
            let full = Instant::now() + self.options.attempt;
            match timeout_at(deadline.min(full), self.attempt(database, &mut connector)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(Obstacle::Final(error))) => return Err(error.resource(self.resource(database))),
                Ok(Err(Obstacle::Passing(reason, text))) => last = Some((reason, text)),
                // An attempt that the deadline cuts short says nothing.
                Err(_) if full > deadline && last.is_some() => {}
                Err(_) => last = Some(("timed-out", "it does not answer".to_owned())),
            }
            if Instant::now() + self.options.pause >= deadline {
                let (reason, text) = last.unwrap_or(("timed-out", String::new()));
                return Err(self.unreachable(reason, &text).resource(self.resource(database)));
            }
            sleep(self.options.pause).await;
        }
    }

    /// One try to log in.
    async fn attempt(&self, database: &str, connector: &mut MakeRustlsConnect) -> Result<Session, Obstacle> {
        let Login { host, port, user, password } = &self.login;
        let addresses = tokio::net::lookup_host((host.as_str(), *port)).await;
        let addresses: Vec<_> =
            addresses.map_err(|error| Obstacle::Passing("unresolved", error.to_string()))?.collect();
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| Obstacle::of_socket(&error))?;
        stream.set_nodelay(true).map_err(|error| Obstacle::of_socket(&error))?;
        let mut config = Config::new();
        config.user(user).password(password.expose()).dbname(database);
        config.application_name("deploy-native").ssl_mode(SslMode::Prefer);
        let tls = <MakeRustlsConnect as MakeTlsConnect<Guarded<TcpStream>>>::make_tls_connect(connector, host)
            .map_err(|error| Obstacle::Passing("closed", error.to_string()))?;
        let connecting = config.connect_raw(Guarded::before_tls(stream), GuardedTls(tls));
        let (client, connection) = connecting.await.map_err(|error| Obstacle::of_login(&error))?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            // A session that fails shows in the statement that it fails.
            let _ = connection.await;
        }));
        Ok(Session { database: database.to_owned(), client, _connection: connection })
    }

    fn resource(&self, database: &str) -> String {
        format!("database {database} at {}:{}", self.login.host, self.login.port)
    }

    fn unreachable(&self, reason: &'static str, text: &str) -> DeployError {
        let Login { host, port, .. } = &self.login;
        let waited = self.options.deadline.as_secs();
        let hint = match reason {
            "unresolved" => "Set `databaseHost` to the name or address under which the server's ports are reached",
            "refused" => {
                "Nothing listens there, or a firewall refuses: see on the server whether the database runs and its port is \
                 published, set `databaseHost` if the server has another address, open the port in the firewall, or set \
                 `databaseAccess` to `internal`, which needs no port"
            }
            "timed-out" => {
                "A firewall may stand between: open the port in it, or set `databaseAccess` to `internal`, which needs no port"
            }
            _ => "See the database's log on the server",
        };
        DeployError::new(
            ErrorCode::PostgresUnreachable,
            format!("The database at {host}:{port} was not reachable within {waited} s: {text}"),
        )
        .reason(reason)
        .hint(hint)
        .retryable(true)
    }
}

#[async_trait]
impl SqlTransport for PortTransport {
    async fn execute(&self, database: &str, script: &Script) -> Result<String, DeployError> {
        let mut kept = self.session.lock().await;
        // Taken out while it works: a future that is dropped, or a script that fails, leaves no half-used session.
        let session = self.session_on(database, kept.take()).await?;
        let messages = match timeout(self.options.script, session.client.simple_query(&script.sql())).await {
            Ok(Ok(messages)) => messages,
            Ok(Err(error)) => return Err(script_error(&error).resource(self.resource(database))),
            Err(_) => {
                let limit = self.options.script.as_secs();
                return Err(DeployError::new(
                    ErrorCode::PostgresQuery,
                    format!("The database did not finish our script within {limit} s"),
                )
                .resource(self.resource(database))
                .reason("timed-out"));
            }
        };
        *kept = Some(session);
        Ok(print(&messages))
    }
}

/// Why an attempt did not end in a session.
enum Obstacle {
    /// It may pass: the reason and its text.
    Passing(&'static str, String),
    /// It will not pass.
    Final(DeployError),
}

impl Obstacle {
    fn of_socket(error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => "refused",
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "timed-out",
            _ => "closed",
        };
        Self::Passing(reason, error.to_string())
    }

    fn of_login(error: &tokio_postgres::Error) -> Self {
        use std::error::Error as _;
        if let Some(refusal) = error.as_db_error() {
            return match refusal.code().code() {
                // Too many connections pass as others end theirs.
                "57P01" | "57P02" | "57P03" | "53300" => Self::Passing("starting-up", refusal.message().to_owned()),
                state => Self::Final(query_error(state, refusal.message())),
            };
        }
        let source = error.source();
        match source.and_then(|source| source.downcast_ref::<io::Error>()) {
            Some(error) if error.get_ref().and_then(|reason| reason.downcast_ref::<CleartextRequested>()).is_some() => {
                Self::Final(authentication_error(&error.to_string()).reason("cleartext").hint(
                    "Let `pg_hba.conf` ask for `scram-sha-256`, or set `databaseAccess` to `internal`; \
                     a server that is not yours may be answering",
                ))
            }
            Some(error) => Self::of_socket(error),
            None if error.is_closed() => Self::Passing("closed", "the connection was closed".to_owned()),
            // What remains is a server that does not prove that it knows the password, or speaks another protocol.
            None => {
                let text = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
                Self::Final(authentication_error(&text))
            }
        }
    }
}

fn script_error(error: &tokio_postgres::Error) -> DeployError {
    match error.as_db_error() {
        Some(refusal) => query_error(refusal.code().code(), refusal.message()),
        None => query_error("08006", "the connection was lost").caused_by(error),
    }
}

/// Prints rows as `psql -Atq` does.
fn print(messages: &[SimpleQueryMessage]) -> String {
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
