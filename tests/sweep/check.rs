//! What must hold after an interruption and the run that follows it.

use crate::flight::{Flight, Secrets};
use crate::reference::Reference;
use deploy_native::dokploy::Mark;
use deploy_native::state::{Journal, LocalStateStore, State, StateProvider as _};
use deploy_native_test_support::{STAGE, World};
use serde_json::{Map, Value, json};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Records that somebody else wrote: name, type, value. The first stands where one of ours must.
pub(crate) const THEIRS: [(&str, &str, &str); 4] = [
    ("auth.staging", "A", "203.0.113.9"),
    ("mail.staging", "A", "198.51.100.7"),
    ("api.staging", "TXT", "\"theirs\""),
    ("auth.staging", "TXT", "\"theirs\""),
];
/// The time to live of their records.
pub(crate) const THEIR_TTL: u32 = 600;

/// How long a database may take to come up again after its port was closed, on a machine that is busy.
const RESTART_LIMIT: Duration = Duration::from_secs(30);

/// The secrets of a state by their place.
pub(crate) fn secrets(state: &State) -> Secrets {
    let mut secrets = Secrets::new();
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
pub(crate) async fn secrets_on_disk(world: &World) -> Result<Secrets, String> {
    Ok(state_on_disk(world).await?.as_ref().map(secrets).unwrap_or_default())
}

async fn state_on_disk(world: &World) -> Result<Option<State>, String> {
    let state = LocalStateStore::new(world.root.path()).read(STAGE).await;
    state.map_err(|error| format!("i5: the state is not readable: {error}"))
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

/// The secrets first written are those of the state.
pub(crate) async fn secrets_are_kept(world: &World, before: &Secrets) -> Result<(), String> {
    let after = secrets_on_disk(world).await?;
    for (place, value) in before {
        expect(after.get(place) == Some(value), || format!("i2: the secret `{place}` is another one"))?;
    }
    Ok(())
}

/// Nothing is left unfinished.
pub(crate) async fn journal_is_empty(world: &World) -> Result<(), String> {
    let journal = Journal::peek(world.root.path(), STAGE).await.map_err(|error| error.to_string())?;
    expect(journal.is_empty(), || format!("i3: the journal still names {journal:?}"))
}

/// What was removed has left the state.
pub(crate) async fn nothing_is_remembered(world: &World) -> Result<(), String> {
    let state = state_on_disk(world).await?.unwrap_or_else(|| State::new(STAGE));
    let gone = state.applications.is_empty()
        && state.dns_records.is_empty()
        && state.deploy_native.domains.is_empty()
        && state.services.postgres_id.is_none()
        && state.services.redis_id.is_none()
        && state.project_id.is_empty()
        && secrets(&state).is_empty();
    expect(gone, || format!("i3: the state still names what is gone: {state:?}"))
}

/// What stood in the place of our records is known, so that it can be put back (I8).
pub(crate) async fn records_can_come_back(world: &World) -> Result<(), String> {
    let state = state_on_disk(world).await?.unwrap_or_else(|| State::new(STAGE));
    let zone = world.dns.records("example.com");
    let (name, kind, value) = THEIRS[0];
    if zone.iter().any(|record| record.is(name, kind) && record.content == value) {
        return Ok(());
    }
    let previous = state.dns_records.get(&format!("{name}:{kind}")).and_then(|record| record.previous.as_ref());
    expect(previous.is_some_and(|previous| previous.values == [value] && previous.ttl == THEIR_TTL), || {
        format!("i8: what stood at {name} is forgotten: {previous:?}")
    })
}

/// The host names of the domains that a state knows as ours.
pub(crate) fn hosts(state: &State) -> Vec<String> {
    state.deploy_native.domains.hosts().map(str::to_owned).collect()
}

/// The state knows the domains that it knows after an undisturbed run, and they are those on the server (I8).
pub(crate) async fn domains_are_known(world: &World, flight: Flight) -> Result<(), String> {
    let (state, snapshot) = (world.state().await, world.simulator.snapshot());
    let (wanted, found) = (&Reference::of(flight).await.hosts, hosts(&state));
    expect(found == *wanted, || format!("i8: the state knows the domains of {found:?} instead of {wanted:?}"))?;
    for host in &found {
        let at_host = rows(&snapshot, "domains").iter().filter(|row| text(row, "host") == host);
        let on_server: Vec<&str> = at_host.map(|row| text(row, "domainId")).collect();
        let known = state.deploy_native.domains.ids(host);
        expect(on_server == known, || {
            format!("i8: of {host} the state knows {known:?}, the server has {on_server:?}")
        })?;
    }
    Ok(())
}

/// The same resources as after an undisturbed run, none twice, and nothing of others touched.
pub(crate) async fn same_resources(world: &World, flight: Flight) -> Result<(), String> {
    let wanted = &Reference::of(flight).await.shape;
    let deadline = Instant::now() + RESTART_LIMIT;
    // A database whose port was closed comes up again without us.
    while shape(world) != *wanted && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let found = shape(world);
    let differs = |(kind, wanted): (&String, &Value)| {
        (found[kind] != *wanted).then(|| format!("{kind}: expected {wanted:#}, found {:#}", found[kind]))
    };
    let differences: Vec<String> = wanted.as_object().unwrap_or(&Map::new()).iter().filter_map(differs).collect();
    expect(differences.is_empty(), || format!("i3: other resources: {}", differences.join("; ")))?;
    let violations = world.simulator.violations();
    expect(violations.is_empty(), || format!("requests against the schema: {violations:?}"))
}

/// What the state remembers is what the server has, what runs has, and what opens the database.
pub(crate) async fn secrets_work(world: &World) -> Result<(), String> {
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
pub(crate) async fn idle(world: &World, flight: Flight) -> Result<(), String> {
    let writes = |world: &World| {
        let dns =
            world.dns.requests().into_iter().filter(deploy_native_simulator::dns::RecordedRequest::is_write).count();
        (world.simulator.mutations().len(), dns)
    };
    let before = writes(world);
    let changes = flight.fly(world).await.map_err(|error| format!("i9: {error:?}"))?;
    let after = writes(world);
    let sent: Vec<String> =
        world.simulator.mutations().iter().skip(before.0).map(|request| request.endpoint().to_owned()).collect();
    expect(before == after && changes == 0, || {
        format!("i9: one more run changes things: {changes} changes, {sent:?}, {} DNS writes", after.1 - before.1)
    })
}
