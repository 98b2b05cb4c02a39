//! Isolation proven on its own: what was granted by hand is found, nothing is changed, and no port stays open.

use deploy_native::deploy::{DeployRequest, RunOptions, verify_isolation};
use deploy_native::postgres::IsolationReport;
use deploy_native::state::{LockOwner, StageLock};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_test_support::{World, rows};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

const PORT: &str = "postgres.saveExternalPort";

/// The back ends alone, by this way to the database.
fn request(world: &World, access: &str) -> Value {
    let mut request = world.request();
    request["apps"] = json!(["api", "auth", "admin-auth"]);
    request["databaseAccess"] = access.into();
    request
}

/// A world whose back ends have their roles.
async fn provisioned(access: &str) -> (World, IsolationReport) {
    let world = World::start().await;
    let request = DeployRequest::from_json(request(&world, access)).unwrap();
    let report = deploy_native::deploy::initialize_postgres_users(request, world.options()).await.unwrap();
    (world, report.isolation.unwrap())
}

async fn verify(world: &World, access: &str) -> Result<IsolationReport, DeployError> {
    verify_with(world, access, world.options()).await
}

async fn verify_with(world: &World, access: &str, options: RunOptions) -> Result<IsolationReport, DeployError> {
    Box::pin(verify_isolation(DeployRequest::from_json(request(world, access))?, options)).await
}

/// A session of the master.
async fn master(world: &World) -> Client {
    let service = rows(&world.simulator.snapshot()["postgres"])[0]["appName"].as_str().unwrap().to_owned();
    let address = world.postgres.address(&service).await.unwrap();
    let password = world.state().await.deploy_native.passwords.postgres.unwrap();
    let (host, port) = (address.ip(), address.port());
    let login = format!("host={host} port={port} user=postgres dbname=shop password={}", password.expose());
    let (client, connection) = tokio_postgres::connect(&login, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn i9_by_either_way_the_proof_is_that_of_the_deployment_and_changes_nothing() {
    for access in ["internal", "external-port"] {
        let (world, proven) = provisioned(access).await;
        let state = std::fs::read(world.root.path().join(".gkm/deploy-staging.json")).unwrap();
        let before = world.moment();
        assert_eq!(verify(&world, access).await.unwrap(), proven, "{access}");
        let sent = world.endpoints_since(&before);
        if access == "external-port" {
            assert!(sent.iter().all(|endpoint| endpoint == PORT), "{sent:?}");
        } else {
            assert!(sent.iter().all(|endpoint| endpoint.starts_with("application.")), "{sent:?}");
        }
        assert_eq!(rows(&world.simulator.snapshot()["applications"]).len(), 0, "{access}: no job is left");
        assert_eq!(std::fs::read(world.root.path().join(".gkm/deploy-staging.json")).unwrap(), state);
        world.assert_port_closed();
    }
}

/// A grant made by hand, the role and the object that must be named for it, and how it is taken back.
const HOLES: &[[&str; 4]] = &[
    ["GRANT SELECT ON auth.users TO api", "api", "table auth.users", "REVOKE SELECT ON auth.users FROM api"],
    [
        "GRANT UPDATE (name) ON auth.users TO \"admin-auth\"",
        "admin-auth",
        "table auth.users",
        "REVOKE UPDATE (name) ON auth.users FROM \"admin-auth\"",
    ],
    [
        "GRANT USAGE ON SEQUENCE auth.users_id_seq TO api",
        "api",
        "sequence auth.users_id_seq",
        "REVOKE USAGE ON SEQUENCE auth.users_id_seq FROM api",
    ],
    [
        "GRANT EXECUTE ON FUNCTION auth.one() TO api",
        "api",
        "function auth.one()",
        "REVOKE EXECUTE ON FUNCTION auth.one() FROM api",
    ],
    ["GRANT USAGE ON TYPE auth.mood TO api", "api", "type auth.mood", "REVOKE USAGE ON TYPE auth.mood FROM api"],
    ["GRANT USAGE ON SCHEMA auth TO api", "api", "schema auth", "REVOKE USAGE ON SCHEMA auth FROM api"],
    [
        "GRANT CONNECT ON DATABASE postgres TO auth",
        "auth",
        "database postgres",
        "REVOKE CONNECT ON DATABASE postgres FROM auth",
    ],
    ["GRANT auth TO api", "api", "role auth", "REVOKE auth FROM api"],
    [
        "ALTER DEFAULT PRIVILEGES FOR ROLE auth IN SCHEMA auth GRANT SELECT ON TABLES TO api",
        "api",
        "new objects of auth in schema auth",
        "ALTER DEFAULT PRIVILEGES FOR ROLE auth IN SCHEMA auth REVOKE SELECT ON TABLES FROM api",
    ],
    ["ALTER SCHEMA public OWNER TO auth", "auth", "schema public", "ALTER SCHEMA public OWNER TO pg_database_owner"],
];

#[tokio::test]
async fn every_grant_made_by_hand_is_found_and_named() {
    let (world, _) = provisioned("internal").await;
    let master = master(&world).await;
    let objects = "SET ROLE auth; SET search_path = auth; CREATE TABLE users (id serial PRIMARY KEY, name text); \
                   CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('ok'); \
                   RESET ROLE; RESET search_path";
    master.batch_execute(objects).await.unwrap();
    verify(&world, "internal").await.unwrap();
    for [hole, role, object, mended] in HOLES {
        master.batch_execute(hole).await.unwrap();
        let error = verify(&world, "internal").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::IsolationBroken, "{hole}: {error:?}");
        assert_eq!((error.app_name(), error.resource_name()), (Some(*role), Some(*object)), "{hole}: {error:?}");
        assert!(error.message().contains(role) && error.message().contains(object), "{hole}: {error}");
        master.batch_execute(mended).await.unwrap();
    }
    verify(&world, "internal").await.unwrap();
}

#[tokio::test]
async fn i4_a_broken_isolation_or_a_cancelled_proof_leaves_no_port_open() {
    let (world, _) = provisioned("external-port").await;
    master(&world).await.batch_execute("GRANT CREATE ON SCHEMA public TO auth").await.unwrap();
    assert_eq!(verify(&world, "external-port").await.unwrap_err().code(), ErrorCode::IsolationBroken);
    world.assert_port_closed();

    let cancel = CancellationToken::new();
    let options = world.options().cancel(cancel.clone());
    let before = world.simulator.count(PORT);
    let cancelled = async {
        while world.simulator.count(PORT) == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(verify_with(&world, "external-port", options), cancelled);
    assert_eq!(result.unwrap_err().code(), ErrorCode::Cancelled);
    // The lock is held until the port is closed, and the journal is empty then.
    loop {
        match verify(&world, "external-port").await.unwrap_err().code() {
            ErrorCode::StateLocked => tokio::time::sleep(Duration::from_millis(50)).await,
            code => break assert_eq!(code, ErrorCode::IsolationBroken),
        }
    }
    world.assert_port_closed();
}

#[tokio::test]
async fn i4_the_port_of_a_killed_proof_is_closed_by_the_next_one() {
    let (world, _) = provisioned("external-port").await;
    let (json, options) = (request(&world, "external-port"), world.options());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let before = world.opened_ports().len();
    let run = runtime.spawn(verify_isolation(DeployRequest::from_json(json).unwrap(), options));
    while world.opened_ports().len() == before {
        assert!(!run.is_finished(), "the port was never opened");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10))).await.unwrap();
    verify(&world, "external-port").await.unwrap();
    let told = format!("{:?}", world.events.lock().unwrap());
    assert!(told.contains("port-left-open"), "the journal kept the port");
    world.assert_port_closed();
}

#[tokio::test]
async fn i11_another_run_of_the_stage_keeps_the_proof_out() {
    let (world, _) = provisioned("internal").await;
    let owner = LockOwner::this_process("other".to_owned(), OffsetDateTime::now_utc());
    let _lock = StageLock::acquire(world.root.path(), "staging", owner).await.unwrap();
    assert_eq!(verify(&world, "internal").await.unwrap_err().code(), ErrorCode::StateLocked);
}

#[tokio::test]
async fn a_stage_of_which_nothing_can_be_proven_is_no_success() {
    let world = World::start().await;
    let error = verify(&world, "auto").await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::InvalidRequest, Some("not-provisioned")));
    let services = DeployRequest::from_json(request(&world, "auto")).unwrap();
    deploy_native::deploy::provision_services(services, world.options()).await.unwrap();
    let error = verify(&world, "auto").await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::InvalidRequest, Some("not-provisioned")));
    let mut request = request(&world, "auto");
    request["apps"] = json!(["nobody"]);
    let error = verify_isolation(DeployRequest::from_json(request).unwrap(), world.options()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert!(error.message().contains("nobody"));
}

#[tokio::test]
async fn i2_with_a_lost_state_the_proof_uses_what_the_server_knows_and_writes_none() {
    let world = World::start().await;
    let mut request = request(&world, "internal");
    request["apps"] = json!(["auth"]);
    world.deploy(request).await.unwrap();
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    let report = verify(&world, "internal").await.unwrap();
    assert!(report.matrix.iter().any(|scope| scope.role == "auth"), "{report:?}");
    assert!(!world.root.path().join(".gkm/deploy-staging.json").exists());
}
