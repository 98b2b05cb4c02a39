//! The database reached from inside the server's network: the same outcome as through its port, and nothing left behind.

use deploy_native::deploy::{DeployReport, DeployRequest, RunOptions, initialize_postgres_users, provision_services};
use deploy_native::plan::DatabaseRoute;
use deploy_native::state::{LocalStateStore, StateProvider as _};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::postgres::PostgresBackend;
use deploy_native_simulator::{Fault, FaultAction, SimulatorBuilder};
use deploy_native_test_support::{STAGE, World, bundled_postgres};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

/// What the catalogue says of roles, schemas, the database and default privileges; passwords left out.
const CATALOGUE: &str = "SELECT rolname, rolcanlogin, rolsuper, rolconfig FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1; \
    SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1; \
    SELECT datname, datacl FROM pg_database ORDER BY 1; \
    SELECT defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1, 2, 3";

/// A world whose database can be looked into without any door.
pub(crate) struct Inside {
    pub(crate) world: World,
    pub(crate) backend: PostgresBackend,
    /// Changes every request.
    shape: fn(&mut Value),
}

impl Inside {
    async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> Self {
        let backend = PostgresBackend::new(bundled_postgres());
        let world = World::with(|builder| change(builder.backend(Arc::new(backend.clone())))).await;
        Self { world, backend, shape: |_| () }
    }

    /// The same world, each request to which is changed.
    pub(crate) fn wanting(self, shape: fn(&mut Value)) -> Self {
        Self { shape, ..self }
    }

    /// Two apps and their database.
    pub(crate) fn request(&self, access: &str) -> DeployRequest {
        let mut request = self.world.request();
        request["apps"] = json!(["auth", "admin-auth"]);
        request["workspace"]["services"] = json!({ "db": true });
        request["databaseAccess"] = access.into();
        (self.shape)(&mut request);
        DeployRequest::from_json(request).unwrap()
    }

    pub(crate) async fn apply(&self, access: &str) -> Result<DeployReport, DeployError> {
        self.apply_with(access, self.world.options()).await
    }

    pub(crate) async fn apply_with(&self, access: &str, options: RunOptions) -> Result<DeployReport, DeployError> {
        initialize_postgres_users(self.request(access), options).await.map_err(|failure| failure.error)
    }

    /// Makes the next run apply the roles again.
    pub(crate) async fn forget_roles(&self) {
        let mut state = self.world.state().await;
        state.deploy_native.database = None;
        LocalStateStore::new(self.world.root.path()).write(STAGE, &state).await.unwrap();
    }

    pub(crate) fn database(&self) -> String {
        self.world.simulator.snapshot()["postgres"][0]["appName"].as_str().unwrap().to_owned()
    }

    /// A session of the master, as soon as the database is up.
    pub(crate) async fn session(&self) -> Client {
        let database = self.database();
        let started = Instant::now();
        let address = loop {
            match self.backend.address(&database).await {
                Ok(address) => break address,
                Err(error) => assert!(started.elapsed() < Duration::from_secs(30), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let password = self.world.state().await.deploy_native.passwords.postgres.unwrap();
        let login = format!(
            "host={} port={} user=postgres dbname=shop password={}",
            address.ip(),
            address.port(),
            password.expose()
        );
        let (client, connection) = tokio_postgres::connect(&login, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) fn records(&self, table: &str) -> Vec<Value> {
        self.world.simulator.snapshot()[table].as_array().cloned().unwrap_or_default()
    }

    /// Applications of ours that work on the database, and Swarm services of such.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let named = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let applications = self.records("applications").into_iter().map(|record| named(&record, "description"));
        let services = self.records("services").into_iter().map(|record| named(&record, "name"));
        applications
            .filter(|mark| mark.contains(" job="))
            .chain(services.filter(|name| name.starts_with("sql-")))
            .collect()
    }

    pub(crate) async fn no_job_remains(&self, when: &str) {
        let started = Instant::now();
        while !self.jobs().is_empty() {
            assert!(started.elapsed() < Duration::from_secs(20), "{when}: {:?}", self.jobs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs to the end and says whether the database's port was ever open meanwhile.
    pub(crate) async fn watched<T>(&self, run: impl Future<Output = T>) -> (T, bool) {
        let mut opened = false;
        tokio::pin!(run);
        loop {
            tokio::select! {
                result = &mut run => return (result, opened),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
            let databases = self.records("postgres");
            for port in databases.iter().filter_map(|record| record["externalPort"].as_u64()) {
                opened |= tokio::net::TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).await.is_ok();
            }
        }
    }

    /// The texts of the commands that `psql` was given.
    pub(crate) fn sql(&self) -> Vec<String> {
        let requests = self.world.simulator.requests().into_iter();
        let updates = requests.filter(|request| request.endpoint() == "application.update");
        updates.filter_map(|request| request.body).map(|body| body["args"].to_string()).collect()
    }
}

pub(crate) async fn ask(session: &Client, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let answer = session.simple_query(sql).await?;
    let row = |message: SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(format!("{:?}", (0..row.len()).map(|at| row.get(at)).collect::<Vec<_>>())),
        _ => None,
    };
    Ok(answer.into_iter().filter_map(row).collect())
}

#[tokio::test]
async fn i4_from_inside_the_outcome_is_the_same_and_sessions_live_on_and_no_port_opens() {
    let mut outcomes = Vec::new();
    for access in ["internal", "external-port"] {
        let world = Inside::start().await;
        provision_services(world.request(access), world.world.options()).await.unwrap();
        let session = world.session().await;
        let process = ask(&session, "SELECT pg_backend_pid()").await.unwrap();
        let (report, opened) = world.watched(world.apply(access)).await;
        let report = report.unwrap();
        let same = ask(&session, "SELECT pg_backend_pid()").await.is_ok_and(|now| now == process);
        let inside = access == "internal";
        assert_eq!((same, opened), (inside, !inside), "{access}: same session, port opened");
        assert_eq!(world.world.simulator.count("postgres.saveExternalPort") == 0, inside);
        let taken = report.database_access.unwrap();
        assert_eq!(taken.way, if inside { DatabaseRoute::Internal } else { DatabaseRoute::ExternalPort });
        assert_eq!(taken.reason, "databaseAccess says so");
        outcomes.push((report.isolation.unwrap(), ask(&world.session().await, CATALOGUE).await.unwrap()));
        assert_eq!(world.jobs(), Vec::<String>::new());
    }
    assert!(outcomes[0].0.checks > 0, "{:?}", outcomes[0].0);
    assert!(outcomes[0].1.iter().any(|row| row.contains("admin_auth")), "{:?}", outcomes[0].1);
    assert_eq!(outcomes[0], outcomes[1]);
}

#[tokio::test]
async fn auto_goes_inside_a_new_official_image_and_i6_no_app_password_is_in_the_sql() {
    let world = Inside::start().await;
    let (report, opened) = world.watched(world.apply("auto")).await;
    let taken = report.unwrap().database_access.unwrap();
    assert_eq!((taken.way, taken.reason.as_str()), (DatabaseRoute::Internal, "postgres:18 has psql"));
    assert!(!opened);
    let sql = world.sql();
    assert!(sql.iter().any(|sql| sql.contains("SCRAM-SHA-256$")), "verifiers are sent");
    let state = world.world.state().await;
    let master = state.deploy_native.passwords.postgres.as_ref().unwrap();
    let passwords = state.app_credentials.values().map(|app| &app.db_password).chain([master]);
    let events = format!("{:?}", world.world.events.lock().unwrap());
    for password in passwords {
        assert!(!events.contains(password.expose()));
        assert!(sql.iter().all(|sql| !sql.contains(password.expose())));
    }
    assert!(events.contains("waiting for psql"), "{events}");
    world.no_job_remains("success").await;
    let before = world.world.simulator.mutations().len();
    assert_eq!(world.apply("auto").await.unwrap().changes, 0);
    assert_eq!(world.world.simulator.mutations().len(), before);
}

#[tokio::test]
async fn a_refused_job_or_login_leaves_no_job_and_the_next_run_converges() {
    let world = Inside::start().await;
    provision_services(world.request("internal"), world.world.options()).await.unwrap();
    for endpoint in ["application.update", "application.deploy"] {
        let refusal = FaultAction::Fail { status: 400, body: json!({ "message": "no", "code": "BAD_REQUEST" }) };
        world.world.simulator.fault(Fault::new(endpoint, refusal).nth(1));
        world.apply("internal").await.unwrap_err();
        assert_eq!(world.jobs(), Vec::<String>::new(), "{endpoint}");
        world.world.simulator.clear_faults();
    }
    let password = world.world.state().await.deploy_native.passwords.postgres.unwrap();
    world.backend.change_password(&world.database(), "postgres", "another").await.unwrap();
    assert_eq!(world.apply("internal").await.unwrap_err().code(), ErrorCode::PostgresAuthentication);
    assert_eq!(world.jobs(), Vec::<String>::new());
    world.backend.change_password(&world.database(), "postgres", password.expose()).await.unwrap();
    world.apply("internal").await.unwrap();
    assert_eq!(world.jobs(), Vec::<String>::new());
}

#[tokio::test]
async fn i3_answers_that_are_lost_make_no_second_job() {
    let world = Inside::start().await;
    provision_services(world.request("internal"), world.world.options()).await.unwrap();
    for endpoint in ["application.create", "application.update", "application.deploy", "application.delete"] {
        world.world.simulator.fault(Fault::new(endpoint, FaultAction::DropAfter).nth(1));
        world.apply("internal").await.unwrap();
        world.world.simulator.clear_faults();
        assert_eq!(world.jobs(), Vec::<String>::new(), "{endpoint}");
        world.forget_roles().await;
    }
}

#[tokio::test]
async fn i10_a_cancelled_run_deletes_its_job_in_the_background() {
    let world = Inside::start().await;
    provision_services(world.request("internal"), world.world.options()).await.unwrap();
    for endpoint in ["application.create", "application.deploy", "application.readLogs"] {
        let cancel = CancellationToken::new();
        let options = world.world.options().cancel(cancel.clone());
        let before = world.world.simulator.count(endpoint);
        let cancelled = async {
            while world.world.simulator.count(endpoint) == before {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            cancel.cancel();
        };
        let (result, ()) = tokio::join!(world.apply_with("internal", options), cancelled);
        assert_eq!(result.unwrap_err().code(), ErrorCode::Cancelled, "{endpoint}");
        world.no_job_remains(endpoint).await;
    }
}

/// Starts a run in a runtime of its own, and stops that dead at the first request to `endpoint`.
async fn killed(world: &Inside, endpoint: &str) {
    let (request, options) = (world.request("internal"), world.world.options());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let before = world.world.simulator.count(endpoint);
    let run = runtime.spawn(initialize_postgres_users(request, options));
    while world.world.simulator.count(endpoint) == before {
        assert!(!run.is_finished(), "{endpoint} was never called");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10))).await.unwrap();
}

#[tokio::test]
async fn i3_a_killed_run_leaves_no_job_after_the_next_run() {
    let world = Inside::start().await;
    provision_services(world.request("internal"), world.world.options()).await.unwrap();
    let points = ["create", "saveDockerProvider", "saveEnvironment", "update", "deploy", "readLogs", "delete"];
    let mut left = 0;
    for point in points {
        killed(&world, &format!("application.{point}")).await;
        left += usize::from(!world.jobs().is_empty());
        world.apply("internal").await.unwrap();
        assert_eq!(world.jobs(), Vec::<String>::new(), "{point}");
        world.forget_roles().await;
    }
    assert!(left >= 4, "a killed run leaves its job: {left}");
}
