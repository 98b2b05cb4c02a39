//! Apps that are in use: clients that log in all the time with what the running containers hold.

use crate::world::World;
use deploy_native::postgres::second_login_name;
use deploy_native_simulator::postgres::PostgresBackend;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;
use url::Url;

/// How long a database may take to answer, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the clients of a run saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// How often a login succeeded, by the user.
    pub logins: BTreeMap<String, usize>,
    /// How often the database did not answer at all.
    pub outages: usize,
}

impl World {
    /// Runs to the end while every container of `apps` logs in again and again, as one does whose connections come and go.
    ///
    /// Panics when the database refuses one that still runs.
    pub async fn in_use<T>(&self, apps: &[&str], run: impl Future<Output = T>) -> (T, Seen) {
        let mut seen = Seen::default();
        tokio::pin!(run);
        loop {
            tokio::select! {
                result = &mut run => return (result, seen),
                () = self.knock(apps, &mut seen) => {}
            }
        }
    }

    /// Each container logs in once.
    pub async fn knock(&self, apps: &[&str], seen: &mut Seen) {
        for (app, url) in self.logins(apps) {
            match self.log_in(&url).await {
                Ok(user) => {
                    assert_eq!(user, app, "whoever logs in acts as the app");
                    *seen.logins.entry(url.username().to_owned()).or_default() += 1;
                }
                Err(Some(refusal)) => {
                    // One that has ended meanwhile is not in use any more.
                    let still = self.logins(apps).contains(&(app.clone(), url.clone()));
                    assert!(!still, "{app} is refused as {}: {refusal}", url.username());
                }
                Err(None) => seen.outages += 1,
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    /// The `DATABASE_URL` of each running container.
    pub fn logins(&self, apps: &[&str]) -> BTreeSet<(String, Url)> {
        let snapshot = self.simulator.snapshot();
        let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut found = BTreeSet::new();
        for application in rows(&snapshot["applications"]) {
            let Some(app) = apps.iter().find(|app| application["name"] == **app) else { continue };
            let services = rows(&snapshot["services"]).into_iter().filter(|it| it["name"] == application["appName"]);
            for line in services.flat_map(|service| rows(&service["runs"])).flat_map(|run| rows(&run["env"])) {
                if let Some(url) = line.as_str().and_then(|line| line.strip_prefix("DATABASE_URL=")) {
                    found.insert(((*app).to_owned(), Url::parse(url).unwrap()));
                }
            }
        }
        found
    }

    /// Logs in and says as whom it acts; `Err(None)` when the database did not answer.
    pub async fn log_in(&self, url: &Url) -> Result<String, Option<String>> {
        let password = url.password().unwrap_or_default();
        self.log_in_as(url.host_str().unwrap(), url.username(), password).await
    }

    /// As [`Self::log_in`], to the database that is known to the server by `app_name`.
    pub async fn log_in_as(&self, app_name: &str, user: &str, password: &str) -> Result<String, Option<String>> {
        let Ok(address) = PostgresBackend::address(&self.postgres, app_name).await else { return Err(None) };
        let mut config = tokio_postgres::Config::new();
        config.host(address.ip().to_string()).port(address.port()).user(user).password(password).dbname("shop");
        let refused = |error: tokio_postgres::Error| match error.as_db_error() {
            // A restart tells nobody that he may not come in.
            Some(error) if !restarts(error.code()) => Some(error.to_string()),
            _ => None,
        };
        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
        let connection = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
        let row = client.query_one("SELECT current_user::text", &[]).await.map_err(refused);
        drop((client, connection));
        Ok(row?.get(0))
    }

    /// Runs SQL with a `DATABASE_URL`; its answer is what `psql` prints.
    pub async fn execute_as(&self, url: &Url, sql: &str) -> String {
        let password = url.password().unwrap_or_default();
        let login = [("PGUSER", url.username()), ("PGPASSWORD", password), ("PGDATABASE", "shop")];
        let env = login.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        self.postgres.run_sql(url.host_str().unwrap(), &env, sql).await.unwrap()
    }

    /// The host name of the database on the server's network.
    pub fn database(&self) -> String {
        self.simulator.snapshot()["postgres"][0]["appName"].as_str().unwrap().to_owned()
    }

    /// Whether the second login of an app exists in the database.
    pub async fn has_second_login(&self, app: &str) -> bool {
        let state = self.state().await;
        let master = state.deploy_native.passwords.postgres.unwrap();
        let login = [("PGUSER", "postgres"), ("PGPASSWORD", master.expose()), ("PGDATABASE", "shop")];
        let env = login.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let sql = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{}'", second_login_name(app));
        let started = Instant::now();
        loop {
            match self.postgres.run_sql(&self.database(), &env, &sql).await {
                Ok(count) => return count.trim() == "1",
                // It may be restarting, to close its port.
                Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a password lets a user in, once the database answers.
    pub async fn lets_in(&self, user: &str, password: &str) -> bool {
        let (database, started) = (self.database(), Instant::now());
        loop {
            match self.log_in_as(&database, user, password).await {
                Ok(_) => return true,
                Err(Some(_)) => return false,
                Err(None) => assert!(started.elapsed() < PATIENCE, "the database does not answer"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn restarts(code: &SqlState) -> bool {
    [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code)
}
