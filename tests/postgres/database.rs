//! What the suites about the database share: real servers, and roles on them.

use crate::proxy::Proxy;
use deploy_native::DeployError;
use deploy_native::postgres::{
    AppRole, ConnectOptions, DatabaseRoles, Login, PortTransport, Script, SqlTransport, app_names,
};
use deploy_native::secrets::Secret;
use deploy_native_simulator::postgres::{Binaries, Cluster, ClusterOptions};
pub(crate) use deploy_native_test_support::{bundled_postgres as embedded, postgres_installations as installations};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// The superuser of every test's server.
pub(crate) const MASTER: &str = "postgres";
/// Its password.
pub(crate) const MASTER_PASSWORD: &str = "masterPASSWORDmasterPASSWORD0001";
/// The database.
pub(crate) const DATABASE: &str = "shop";

/// A server with everything logged.
pub(crate) async fn cluster(binaries: &Binaries) -> Cluster {
    let options = ClusterOptions::new(MASTER, MASTER_PASSWORD, DATABASE).setting("log_statement", "all");
    let cluster = Cluster::start(binaries, options).await.unwrap();
    let version = value(&cluster.admin(DATABASE).await.unwrap(), "SHOW server_version").await;
    println!("on PostgreSQL {version}");
    cluster
}

/// The master's way into a server.
pub(crate) fn master(cluster: &Cluster) -> PortTransport {
    PortTransport::new(login(cluster, MASTER, MASTER_PASSWORD), options())
}

/// The master's way into a server through a proxy.
pub(crate) fn through(proxy: &Proxy) -> PortTransport {
    PortTransport::new(master_at(&proxy.address.ip().to_string(), proxy.address.port()), options())
}

/// The master's login at an address.
pub(crate) fn master_at(host: &str, port: u16) -> Login {
    Login { host: host.to_owned(), port, user: MASTER.to_owned(), password: MASTER_PASSWORD.into() }
}

/// Everything that our scripts can change, as one text; verifiers, which differ from run to run, only where asked for.
pub(crate) async fn catalogue(cluster: &Cluster, verifiers: bool) -> String {
    let without = if verifiers { "" } else { "- 'rolpassword'" };
    let query = format!(
        "SELECT jsonb_build_array(\
        (SELECT jsonb_agg(to_jsonb(role) - 'oid' {without} ORDER BY role.rolname) FROM pg_authid AS role), \
        (SELECT jsonb_agg(jsonb_build_array(granted.rolname, member.rolname) ORDER BY 1) FROM pg_auth_members AS link \
          JOIN pg_roles AS granted ON granted.oid = roleid JOIN pg_roles AS member ON member.oid = link.member \
          WHERE member.rolname !~ '^pg_'), \
        (SELECT jsonb_agg(jsonb_build_array(base.datname, base.datdba::regrole::text, base.datacl::text) \
          ORDER BY base.datname) FROM pg_database AS base), \
        (SELECT jsonb_agg(jsonb_build_array(schema.nspname, schema.nspowner::regrole::text, schema.nspacl::text) \
          ORDER BY schema.nspname) FROM pg_namespace AS schema WHERE nspname !~ '^pg_'), \
        (SELECT jsonb_agg(jsonb_build_array(defaclrole::regrole::text, defaclnamespace::regnamespace::text, \
          defaclobjtype::text, defaclacl::text) ORDER BY defaclrole::regrole::text, defaclnamespace::regnamespace::text, \
          defaclobjtype::text) FROM pg_default_acl), \
        (SELECT jsonb_agg(jsonb_build_array(relname, relowner::regrole::text, relacl::text) ORDER BY relname) FROM pg_class \
          WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'), \
        (SELECT jsonb_agg(jsonb_build_array(rolname, setconfig::text) ORDER BY rolname) \
          FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole))"
    );
    value(&cluster.admin(DATABASE).await.unwrap(), &query).await
}

/// Short waits.
pub(crate) fn options() -> ConnectOptions {
    ConnectOptions::default().deadline(Duration::from_secs(20)).pause(Duration::from_millis(20))
}

/// A login at a server.
pub(crate) fn login(cluster: &Cluster, user: &str, password: &str) -> Login {
    let address = cluster.address();
    Login { host: address.ip().to_string(), port: address.port(), user: user.to_owned(), password: password.into() }
}

/// The password of an app in these tests.
pub(crate) fn password(app: &str) -> String {
    format!("{app}PASSWORDcanary'\\\"")
}

/// Roles for these apps, `api` owning `public`.
pub(crate) fn roles(apps: &[&str]) -> DatabaseRoles {
    roles_with(apps, |_| ())
}

/// Roles for these apps, changed.
pub(crate) fn roles_with(apps: &[&str], change: impl FnOnce(&mut Vec<AppRole>)) -> DatabaseRoles {
    let names = app_names(apps.iter().copied(), Some("api")).unwrap();
    let mut apps = names
        .into_iter()
        .map(|names| {
            let secret = Secret::new(password(&names.app));
            AppRole::new(names, secret)
        })
        .collect();
    change(&mut apps);
    DatabaseRoles::new(DATABASE, MASTER, apps).unwrap()
}

/// Logs in for real.
pub(crate) async fn connect(
    cluster: &Cluster,
    user: &str,
    password: &str,
    database: &str,
) -> Result<Client, tokio_postgres::Error> {
    let address = cluster.address();
    let mut config = tokio_postgres::Config::new();
    config.host(address.ip().to_string()).port(address.port()).user(user).password(password).dbname(database);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Logs in as an app of these tests.
pub(crate) async fn as_app(cluster: &Cluster, app: &str) -> Client {
    connect(cluster, app, &password(app), DATABASE).await.unwrap()
}

/// The one value that a query gives.
pub(crate) async fn value(client: &Client, query: &str) -> String {
    let messages = client.simple_query(query).await.unwrap();
    let row = messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.unwrap().get(0).unwrap_or("NULL").to_owned()
}

/// The SQLSTATE with which a statement is refused, or none.
pub(crate) async fn refusal(client: &Client, statement: &str) -> Option<String> {
    client.batch_execute(statement).await.err().map(|error| error.code().unwrap().code().to_owned())
}

/// SQL as it is.
pub(crate) trait Plain {
    /// Runs a text of statements, and returns what `psql` would print.
    async fn sql(&self, database: &str, text: &str) -> Result<String, DeployError>;
}

impl<T: SqlTransport> Plain for T {
    async fn sql(&self, database: &str, text: &str) -> Result<String, DeployError> {
        self.execute(database, &Script::plain(text)).await
    }
}

/// Counts what goes over a transport.
pub(crate) struct Counted<'a> {
    /// The transport.
    pub(crate) inner: &'a dyn SqlTransport,
    /// How many scripts went over it.
    pub(crate) round_trips: std::sync::atomic::AtomicUsize,
}

#[async_trait::async_trait]
impl SqlTransport for Counted<'_> {
    async fn execute(&self, database: &str, script: &Script) -> Result<String, DeployError> {
        self.round_trips.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.inner.execute(database, script).await
    }
}
