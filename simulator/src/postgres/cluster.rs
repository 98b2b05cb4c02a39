//! One PostgreSQL server in a temporary folder.

use super::binaries::{Binaries, Readers, copy_tree};
use super::process::{self, Server};
use rustix::process::Signal;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

/// How long a server may take to answer after it was started.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How often a start is tried: another process may take the chosen port first.
const START_ATTEMPTS: usize = 5;
/// The names of our temporary folders begin like this, then comes the id of the process that made them.
const FOLDER_PREFIX: &str = "deploy-native-cluster-";

/// What a cluster is made with.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The superuser.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The database, made in addition to `postgres` and `template1`.
    pub database: String,
    /// Settings of the server, such as `log_statement` and `all`.
    pub settings: Vec<(String, String)>,
    /// A certificate and its key in PEM, to offer TLS with.
    pub certificate: Option<(String, String)>,
}

impl ClusterOptions {
    /// Options with no settings of their own and without TLS.
    pub fn new(user: impl Into<String>, password: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            database: database.into(),
            settings: Vec::new(),
            certificate: None,
        }
    }

    /// Adds a setting.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Makes the server offer TLS with this certificate and key, both in PEM.
    #[must_use]
    pub fn certificate(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.certificate = Some((certificate.into(), key.into()));
        self
    }
}

/// A running PostgreSQL server; dropping it stops the server and removes its data.
///
/// It listens on a free loopback port, where passwords are asked for, and on a private socket, where they are not. It
/// ends with this process, however that ends.
#[derive(Debug)]
pub struct Cluster {
    /// Comes first, for it is to be dropped before its data.
    server: Option<Server>,
    binaries: Binaries,
    options: ClusterOptions,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// Makes and starts a server.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or does not answer within 30 seconds; the error has the tail of its log.
    pub async fn start(binaries: &Binaries, options: ClusterOptions) -> io::Result<Self> {
        let (kept, user) = (binaries.clone(), options.user.clone());
        let certificate = options.certificate.clone();
        let folder = blocking(move || make_folder(&kept, &user, certificate.as_ref())).await?;
        let mut cluster = Self { server: None, binaries: binaries.clone(), options, folder, port: 0 };
        cluster.launch().await?;
        let (user, password) = (cluster.options.user.clone(), cluster.options.password.clone());
        cluster.set_password(&user, &password).await?;
        cluster.create_database().await?;
        Ok(cluster)
    }

    /// Where the server listens and asks for passwords.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Whether the server runs.
    pub fn is_running(&self) -> bool {
        self.server.is_some()
    }

    /// Stops the server as `docker stop` does: sessions are ended, data is kept.
    ///
    /// # Errors
    ///
    /// When the server cannot be signalled.
    pub async fn stop(&mut self) -> io::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        blocking(move || server.end(Signal::INT, STOP_LIMIT)).await
    }

    /// Stops the server and starts it again on the same data; its port may change.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn restart(&mut self) -> io::Result<()> {
        self.stop().await?;
        self.launch().await
    }

    /// Connects as the superuser without a password, over the private socket.
    ///
    /// # Errors
    ///
    /// When the server does not take the connection.
    pub async fn admin(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config.host_path(self.folder.path()).port(self.port).user(&self.options.user).dbname(database);
        let (client, connection) = config.ssl_mode(SslMode::Disable).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Gives a role a password, as the operator of the server can.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub async fn set_password(&self, user: &str, password: &str) -> io::Result<()> {
        let admin = self.admin("postgres").await.map_err(io::Error::other)?;
        // The operator's own doing is not what tests look for in the log.
        admin.batch_execute("SET log_statement = 'none'").await.map_err(io::Error::other)?;
        let statement = "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)";
        let row = admin.query_one(statement, &[&user, &password]).await.map_err(io::Error::other)?;
        admin.batch_execute(row.get(0)).await.map_err(io::Error::other)
    }

    /// What the server has logged so far.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn log(&self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.log_path())?).into_owned())
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    async fn create_database(&self) -> io::Result<()> {
        let admin = self.admin("postgres").await.map_err(io::Error::other)?;
        let statement = "SELECT format('CREATE DATABASE %I', $1::text) WHERE NOT EXISTS \
                         (SELECT FROM pg_database WHERE datname = $1::text)";
        match admin.query_opt(statement, &[&self.options.database]).await.map_err(io::Error::other)? {
            Some(row) => admin.batch_execute(row.get(0)).await.map_err(io::Error::other),
            None => Ok(()),
        }
    }

    async fn launch(&mut self) -> io::Result<()> {
        let mut last = io::Error::other("the server was not started");
        for _ in 0..START_ATTEMPTS {
            // A socket of port 0 that is closed again names a port that is very likely free a moment later.
            self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let log = File::options().create(true).append(true).open(self.log_path())?;
            let mut command = process::command(&self.binaries.program("postgres"), self.binaries.account());
            command.args(self.arguments()).stdout(log.try_clone()?).stderr(log);
            self.server = Some(blocking(move || process::spawn_bound(command)).await?);
            match self.wait_until_ready().await {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        let log = self.log().unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(10).collect();
        Err(io::Error::other(format!("{last}: {}", tail.into_iter().rev().collect::<Vec<_>>().join(" / "))))
    }

    async fn wait_until_ready(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            let Err(refusal) = self.admin("postgres").await else { return Ok(()) };
            if let Some(server) = &mut self.server
                && let Some(status) = server.ended()?
            {
                self.server = None;
                return Err(io::Error::other(format!("the server ended with {status}")));
            }
            if begun.elapsed() > START_LIMIT {
                return Err(io::Error::other(format!("the server did not answer in time: {refusal}")));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn arguments(&self) -> Vec<OsString> {
        let data = self.folder.path().join("data");
        let mut arguments: Vec<OsString> = vec!["-D".into(), data.into()];
        let fixed = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", self.port.to_string()),
            ("unix_socket_directories", self.folder.path().display().to_string()),
            ("fsync", "off".to_owned()),
            ("synchronous_commit", "off".to_owned()),
            ("full_page_writes", "off".to_owned()),
            ("shared_buffers", "16MB".to_owned()),
            ("max_wal_size", "32MB".to_owned()),
            ("ssl", if self.options.certificate.is_some() { "on" } else { "off" }.to_owned()),
        ];
        let own = self.options.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in fixed.into_iter().chain(own) {
            arguments.push("-c".into());
            arguments.push(format!("{name}={value}").into());
        }
        arguments
    }
}

/// Makes the folder with the data, the socket and the log, owned by the account of the server.
fn make_folder(binaries: &Binaries, user: &str, certificate: Option<&(String, String)>) -> io::Result<TempDir> {
    sweep(&std::env::temp_dir());
    let template = binaries.template(user)?;
    let folder = tempfile::Builder::new().prefix(&format!("{FOLDER_PREFIX}{}-", std::process::id())).tempdir()?;
    binaries.hand_over(folder.path())?;
    let data = folder.path().join("data");
    copy_tree(&template, &data, Readers::Same(binaries.account()))?;
    if let Some((certificate, key)) = certificate {
        write_private(binaries, &data.join("server.crt"), certificate)?;
        write_private(binaries, &data.join("server.key"), key)?;
    }
    Ok(folder)
}

fn write_private(binaries: &Binaries, path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(text.as_bytes())?;
    binaries.hand_over(path)
}

/// Removes the folders of processes that were killed; their servers ended with them.
fn sweep(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(FOLDER_PREFIX)?.split('-').next()?.parse().ok());
        if owner.is_some_and(|pid| !process::exists(pid)) {
            // Another process may be sweeping too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
