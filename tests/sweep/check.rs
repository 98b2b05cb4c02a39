//! What must hold after an interruption and the run that follows it.

use crate::reference::Reference;
use crate::world::{STAGE, World};
use deploy_native::deploy::AppStatus;
use deploy_native::dokploy::Mark;
use deploy_native::state::{Journal, LocalStateStore, State, StateProvider as _};
use deploy_native::{DeployError, ErrorCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long the lock of a run that was cancelled may still be held, on a machine that is busy.
const RELEASE_LIMIT: Duration = Duration::from_secs(30);

/// The secrets of a state by their place.
pub(crate) fn secrets(state: &State) -> BTreeMap<String, String> {
    let mut secrets = BTreeMap::new();
    for (app, credentials) in &state.app_credentials {
        secrets.insert(format!("database of {app}"), credentials.db_password.expose().to_owned());
    }
    for (app, generated) in &state.generated_secrets {
        for (name, value) in generated {
            secrets.insert(format!("{name} of {app}"), value.expose().to_owned());
        }
    }
    let passwords = &state.deploy_native.passwords;
    for (name, password) in [("postgres", &passwords.postgres), ("redis", &passwords.redis)] {
        if let Some(password) = password {
            secrets.insert(name.to_owned(), password.expose().to_owned());
        }
    }
    secrets
}

/// The secrets as they stand on disk now; none when there is no state yet.
pub(crate) async fn secrets_on_disk(world: &World) -> Result<BTreeMap<String, String>, String> {
    let state = LocalStateStore::new(world.root.path()).read(STAGE).await;
    let state = state.map_err(|error| format!("i5: the state is not readable: {error}"))?;
    Ok(state.as_ref().map(secrets).unwrap_or_default())
}

fn rows<'a>(snapshot: &'a Value, table: &str) -> &'a [Value] {
    snapshot[table].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

/// The resources on the server and in the zone, without ids, secrets and times.
pub(crate) fn shape(world: &World) -> Value {
    let snapshot = world.simulator.snapshot();
    let list = |table: &str, look: &dyn Fn(&Value) -> Value| {
        let mut seen: Vec<String> = rows(&snapshot, table).iter().map(|row| look(row).to_string()).collect();
        seen.sort();
        seen
    };
    let mark = |row: &Value| Mark::parse(text(row, "description")).map(|mark| mark.format());
    let names = |row: &Value| -> Vec<String> {
        text(row, "env").lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect()
    };
    let application = |row: &Value| {
        let service = rows(&snapshot, "services").iter().find(|service| service["name"] == row["appName"]);
        let running = service.map(|service| (service["running"].clone(), service["image"].clone()));
        json!([row["name"], mark(row), row["dockerImage"], names(row), running])
    };
    let database = |row: &Value| {
        let service = rows(&snapshot, "services").iter().find(|service| service["name"] == row["appName"]);
        let service = service.map(|service| (service["running"].clone(), service["publishedPorts"].clone()));
        json!([row["name"], mark(row), row["dockerImage"], row["databaseName"], row["externalPort"], service])
    };
    let app_of = |row: &Value| {
        let owner = rows(&snapshot, "applications").iter().find(|app| app["applicationId"] == row["applicationId"]);
        owner.map(|app| app["name"].clone())
    };
    let mut zone: Vec<String> = world
        .dns
        .records("example.com")
        .iter()
        .map(|record| format!("{} {} {} {}", record.name, record.record_type, record.ttl, record.content))
        .collect();
    zone.sort();
    json!({
        "projects": list("projects", &|row| json!([row["name"], mark(row)])),
        "environments": list("environments", &|row| json!([row["name"], mark(row)])),
        "applications": list("applications", &application),
        "postgres": list("postgres", &database),
        "redis": list("redis", &database),
        "domains": list("domains", &|row| json!([row["host"], row["port"], row["https"], row["certificateType"], app_of(row)])),
        "zone": zone,
    })
}

fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Runs the deployment again, undisturbed, and checks everything; `before` are the secrets first written.
pub(crate) async fn converges(world: &World, before: &BTreeMap<String, String>) -> Result<(), String> {
    deploy_again(world).await.map_err(|error| format!("i3: the next run fails: {error:?}"))?;
    same_resources(world).await?;
    let after = secrets_on_disk(world).await?;
    for (place, value) in before {
        expect(after.get(place) == Some(value), || format!("i2: the secret `{place}` is another one"))?;
    }
    secrets_work(world).await?;
    closed(world)?;
    let journal = Journal::peek(world.root.path(), STAGE).await.map_err(|error| error.to_string())?;
    expect(journal.is_empty(), || format!("i3: the journal still names {journal:?}"))?;
    idle(world).await
}

/// Deploys; waits for the lock of a cancelled run that is still cleaning up.
pub(crate) async fn deploy_again(world: &World) -> Result<(), DeployError> {
    let deadline = Instant::now() + RELEASE_LIMIT;
    loop {
        match world.deploy(world.request()).await {
            Err(failure) if failure.error.code() == ErrorCode::StateLocked && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(failure) => return Err(failure.error),
            Ok(report) => {
                assert!(report.apps.iter().all(|app| app.status == AppStatus::Running), "{report:?}");
                return Ok(());
            }
        }
    }
}

/// The same resources as after an undisturbed run, none twice, and nothing of others touched.
pub(crate) async fn same_resources(world: &World) -> Result<(), String> {
    let (wanted, found) = (&Reference::get().await.shape, shape(world));
    let differs = |(kind, wanted): (&String, &Value)| {
        (found[kind] != *wanted).then(|| format!("{kind}: expected {wanted:#}, found {:#}", found[kind]))
    };
    let differences: Vec<String> = wanted.as_object().unwrap_or(&Map::new()).iter().filter_map(differs).collect();
    expect(differences.is_empty(), || format!("i3: other resources: {}", differences.join("; ")))?;
    let violations = world.simulator.violations();
    expect(violations.is_empty(), || format!("requests against the schema: {violations:?}"))
}

/// What the state remembers is what the server has, what runs has, and what opens the database.
async fn secrets_work(world: &World) -> Result<(), String> {
    let (state, snapshot) = (world.state().await, world.simulator.snapshot());
    let postgres = &rows(&snapshot, "postgres")[0];
    let master = state.deploy_native.passwords.postgres.as_ref().map(|password| password.expose().to_owned());
    expect(master.as_deref() == postgres["databasePassword"].as_str(), || "i2: postgres has another password".into())?;
    for (app, credentials) in &state.app_credentials {
        let id = state.applications.get(app).map(String::as_str).unwrap_or_default();
        let record = rows(&snapshot, "applications").iter().find(|row| row["applicationId"] == id);
        let record = record.ok_or_else(|| format!("i3: the state names no application of {app}"))?;
        let service = rows(&snapshot, "services").iter().find(|service| service["name"] == record["appName"]);
        let runs = service.map(|service| service["runs"].to_string()).unwrap_or_default();
        let generated = state.generated_secrets.get(app).into_iter().flat_map(|secrets| secrets.values());
        for value in generated.chain([&credentials.db_password]) {
            let known = text(record, "env").contains(value.expose()) && runs.contains(value.expose());
            expect(known, || format!("i2: {app} does not run with what the state remembers"))?;
        }
        let login = [
            ("PGUSER", credentials.db_user.as_str()),
            ("PGPASSWORD", credentials.db_password.expose()),
            ("PGDATABASE", text(postgres, "databaseName")),
        ];
        let env = login.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let user = world.postgres.run_sql(text(postgres, "appName"), &env, "select current_user").await;
        expect(user.as_ref().is_ok_and(|user| user.trim() == credentials.db_user), || {
            format!("i2: {app} does not get into its database: {user:?}")
        })?;
    }
    Ok(())
}

/// No port that was ever asked for is open, for the server and for whoever connects (I4).
pub(crate) fn closed(world: &World) -> Result<(), String> {
    let snapshot = world.simulator.snapshot();
    for row in rows(&snapshot, "postgres") {
        expect(row["externalPort"].is_null(), || format!("i4: the port {} is open", row["externalPort"]))?;
    }
    let asked = world.simulator.mutations();
    let ports = asked.iter().filter_map(|request| request.body.as_ref()?["externalPort"].as_u64());
    for port in ports.filter_map(|port| u16::try_from(port).ok()) {
        let open = TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_secs(1)).is_ok();
        expect(!open, || format!("i4: the port {port} takes connections"))?;
    }
    Ok(())
}

/// One more run makes only reads (I9).
pub(crate) async fn idle(world: &World) -> Result<(), String> {
    let writes = |world: &World| {
        let dns =
            world.dns.requests().into_iter().filter(deploy_native_simulator::dns::RecordedRequest::is_write).count();
        (world.simulator.mutations().len(), dns)
    };
    let before = writes(world);
    let report = world.deploy(world.request()).await.map_err(|failure| format!("i9: {:?}", failure.error))?;
    let after = writes(world);
    let sent: Vec<String> =
        world.simulator.mutations().iter().skip(before.0).map(|request| request.endpoint().to_owned()).collect();
    expect(before == after && report.changes == 0, || {
        format!(
            "i9: one more run changes things: {} changes, {sent:?}, {} DNS writes",
            report.changes,
            after.1 - before.1
        )
    })
}
