//! What an app wants run before it is deployed: run once, accounted for, and never two at a time.

use deploy_native::deploy::{AppStatus, DeployFailure, DeployReport};
use deploy_native::{DeployEvent, ErrorCode};
use deploy_native_simulator::{Fault, FaultAction, Image, Program};
use deploy_native_test_support::{World, digest};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

const COMMAND: [&str; 3] = ["node", "migrate.js", "all of them"];
/// Notes each run in the app's own schema.
const NOTE: &str = "CREATE TABLE IF NOT EXISTS runs (at timestamptz DEFAULT now()); INSERT INTO runs DEFAULT VALUES";

fn image(app: &str, version: &str) -> String {
    format!("registry.test/shop-{app}@sha256:{}", digest(&format!("{app}{version}")))
}

/// What `auth` runs before it is deployed.
fn migration() -> Program {
    Program::new(COMMAND).sql(NOTE).prints(100, "applied 0001").prints(1_000, "applied 0002")
}

/// Declares the image of an app, which has this program.
fn declare(world: &World, app: &str, version: &str, program: Program) {
    world.simulator.image(Image::new(image(app, version)).program(program));
}

/// A request for these apps, each of which has a release, at one version.
fn request(world: &World, apps: &[&str], version: &str) -> Value {
    let mut request = world.request();
    request["apps"] = json!(apps);
    request["images"] = json!({});
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    for app in apps {
        request["images"][app] = image(app, version).into();
        request["workspace"]["apps"][app]["release"] = json!({ "command": COMMAND, "timeoutSeconds": 60 });
    }
    request
}

/// A session of the master.
async fn master(world: &World) -> Client {
    let database = world.simulator.snapshot()["postgres"][0]["appName"].as_str().unwrap().to_owned();
    let address = world.postgres.address(&database).await.unwrap();
    let password = world.state().await.deploy_native.passwords.postgres.unwrap();
    let config = format!(
        "host={} port={} user=postgres password={} dbname=shop",
        address.ip(),
        address.port(),
        password.expose()
    );
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// How often the migrations of an app were run to their end.
async fn runs(world: &World, schema: &str) -> i64 {
    let session = master(world).await;
    let count = format!("SELECT count(*) FROM {schema}.runs");
    session.query_one(&count, &[]).await.map_or(0, |row| row.get(0))
}

fn status(report: &DeployReport, app: &str) -> AppStatus {
    report.apps.iter().find(|it| it.app_name == app).unwrap().status
}

fn failed(result: Result<DeployReport, DeployFailure>) -> DeployFailure {
    result.expect_err("the release does not end well")
}

/// The names of the release applications that stand on the server.
fn left_over(world: &World) -> Vec<String> {
    let snapshot = world.simulator.snapshot();
    let applications = snapshot["applications"].as_array().unwrap().iter();
    let names = applications.filter_map(|it| it["name"].as_str()).filter(|name| name.starts_with("release-"));
    names.map(str::to_owned).collect()
}

/// What services of releases still run.
fn running_releases(world: &World) -> usize {
    let snapshot = world.simulator.snapshot();
    let services = snapshot["services"].as_array().unwrap().iter();
    let releases = services.filter(|it| it["name"].as_str().is_some_and(|name| name.starts_with("release-")));
    releases.filter(|it| it["running"] == true).count()
}

#[tokio::test]
async fn a_release_runs_once_for_each_image_before_its_app_and_its_log_is_told() {
    let world = World::start().await;
    declare(&world, "auth", "1", migration());
    let report = world.deploy(request(&world, &["auth"], "1")).await.unwrap();
    assert_eq!(status(&report, "auth"), AppStatus::Running);
    assert_eq!((runs(&world, "auth").await, left_over(&world)), (1, Vec::<String>::new()));
    let events = world.events.lock().unwrap().clone();
    let at = |wanted: &dyn Fn(&DeployEvent) -> bool| events.iter().position(wanted).unwrap();
    let logged = at(
        &|event| matches!(event, DeployEvent::Log { step: Some(step), line, .. } if step == "app:auth:release" && line.ends_with("applied 0002")),
    );
    let deployed = at(&|event| matches!(event, DeployEvent::StepStarted { step, .. } if step == "app:auth:deploy"));
    assert!(logged < deployed);

    let before = world.simulator.mutations().len();
    let again = world.deploy(request(&world, &["auth"], "1")).await.unwrap();
    assert_eq!((again.changes, world.simulator.mutations().len()), (0, before), "i9");
    declare(&world, "auth", "2", migration());
    world.deploy(request(&world, &["auth"], "2")).await.unwrap();
    assert_eq!(runs(&world, "auth").await, 2);
}

#[tokio::test]
async fn a_release_that_fails_leaves_what_runs_as_it_is_and_the_error_has_its_log() {
    let world = World::start().await;
    declare(&world, "auth", "1", migration());
    world.deploy(request(&world, &["auth"], "1")).await.unwrap();
    let stored = world.simulator.snapshot()["applications"].clone();
    declare(&world, "auth", "2", migration().exits(3));
    let failure = failed(world.deploy(request(&world, &["auth"], "2")).await);
    let error = &failure.error;
    assert_eq!(
        (error.code(), error.reason_name(), error.app_name()),
        (ErrorCode::ReleaseFailed, Some("exit"), Some("auth"))
    );
    assert_eq!(error.message(), "The release of auth ended with status 3");
    assert!(error.log_tail().unwrap().ends_with("applied 0002"), "{:?}", error.log_tail());
    assert_eq!(world.simulator.snapshot()["applications"], stored, "not even what is stored has changed");
    assert_eq!(
        (status(failure.report.as_deref().unwrap(), "auth"), left_over(&world)),
        (AppStatus::Failed, Vec::new())
    );
    declare(&world, "auth", "2", migration());
    world.deploy(request(&world, &["auth"], "2")).await.unwrap();
    assert_eq!(runs(&world, "auth").await, 3, "it is run again where it has failed");
}

#[tokio::test]
async fn apps_that_call_one_whose_release_fails_are_not_deployed_and_others_are() {
    let world = World::start().await;
    declare(&world, "auth", "1", migration().exits(1));
    let mut request = request(&world, &["auth"], "1");
    request["apps"] = json!(["auth", "web", "admin-auth"]);
    request["images"]["web"] = image("web", "1").into();
    request["images"]["admin-auth"] = image("admin-auth", "1").into();
    let failure = failed(world.deploy(request).await);
    let report = failure.report.as_deref().unwrap();
    let statuses = ["auth", "web", "admin-auth"].map(|app| status(report, app));
    assert_eq!(statuses, [AppStatus::Failed, AppStatus::Skipped, AppStatus::Running]);
}

#[tokio::test]
async fn a_release_that_hangs_is_stopped_when_its_time_is_up() {
    let world = World::start().await;
    declare(&world, "auth", "1", Program::new(COMMAND).prints(10, "waiting").hangs());
    let mut request = request(&world, &["auth"], "1");
    request["workspace"]["apps"]["auth"]["release"]["timeoutSeconds"] = 1.into();
    let error = failed(world.deploy(request).await).error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ReleaseFailed, Some("timeout")));
    assert!(error.log_tail().unwrap().contains("waiting"));
    assert_eq!((left_over(&world), running_releases(&world)), (Vec::new(), 0));
}

#[tokio::test]
async fn one_whose_program_is_not_in_the_image_says_so() {
    let world = World::start().await;
    world.simulator.image(Image::new(image("auth", "1")).lacks("node"));
    let error = failed(world.deploy(request(&world, &["auth"], "1")).await).error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ReleaseFailed, Some("start")));
    assert!(error.message().contains("executable file not found"), "{error}");
}

#[tokio::test]
async fn releases_of_two_apps_with_one_database_never_run_at_once() {
    let world = World::start().await;
    for app in ["auth", "admin-auth"] {
        declare(&world, app, "1", migration().ends_after(20_000));
    }
    world.deploy(request(&world, &["auth", "admin-auth"], "1")).await.unwrap();
    let mut alive = 0;
    for request in world.simulator.mutations() {
        let body = request.body.clone().unwrap_or_default();
        match request.endpoint() {
            "application.create" if body["name"].as_str().unwrap().starts_with("release-") => alive += 1,
            // Nothing else is deleted here.
            "application.delete" => alive -= 1,
            _ => {}
        }
        assert!(alive <= 1, "a release was made while another one stood");
    }
    assert_eq!((runs(&world, "auth").await, runs(&world, "admin_auth").await), (1, 1));
}

#[tokio::test]
async fn an_owners_release_may_what_the_app_may_not_and_leaves_the_app_what_it_made() {
    let world = World::start().await;
    let sql = format!("{NOTE}; CREATE ROLE made_by_owner; DROP ROLE made_by_owner");
    declare(&world, "auth", "1", Program::new(COMMAND).sql(&sql));
    let error = failed(world.deploy(request(&world, &["auth"], "1")).await).error;
    assert!(error.log_tail().unwrap().contains("permission denied to create role"), "{:?}", error.log_tail());
    let mut owner = request(&world, &["auth"], "1");
    owner["workspace"]["apps"]["auth"]["release"]["as"] = "owner".into();
    world.deploy(owner.clone()).await.unwrap();
    assert_eq!(runs(&world, "auth").await, 1);
    let session = master(&world).await;
    let table = session.query_one("SELECT tableowner FROM pg_tables WHERE tablename = 'runs'", &[]).await.unwrap();
    assert_eq!(table.get::<_, String>(0), "auth");
    let logins = session.query("SELECT 1 FROM pg_roles WHERE rolname LIKE '%--owner'", &[]).await.unwrap();
    assert!(logins.is_empty() && world.state().await.deploy_native.owner_logins.is_empty());
    assert_eq!(world.deploy(owner).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i3_a_release_of_an_interrupted_run_is_waited_for_and_not_run_again() {
    let world = World::start().await;
    declare(&world, "auth", "1", migration().ends_after(30_000));
    let options = world.options();
    let (cancel, simulator) = (options.cancel.clone(), &world.simulator);
    let request_json = request(&world, &["auth"], "1");
    let run = deploy_native::deploy::deploy(
        deploy_native::deploy::DeployRequest::from_json(request_json.clone()).unwrap(),
        options,
    );
    let interrupt = async {
        let deadline = Instant::now() + Duration::from_mins(1);
        while running_releases_of(simulator) == 0 {
            assert!(Instant::now() < deadline, "it was never started");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(Box::pin(run), interrupt);
    assert_eq!(result.unwrap_err().error.code(), ErrorCode::Cancelled);
    assert_eq!(left_over(&world).len(), 1, "it runs on");
    let plan = world.plan(request_json.clone()).await.unwrap();
    assert!(plan.steps.iter().any(|step| step.id.starts_with("release:")), "{plan:?}");
    let report = world.deploy(request_json).await.unwrap();
    assert_eq!((status(&report, "auth"), runs(&world, "auth").await), (AppStatus::Running, 1));
    assert_eq!(left_over(&world), Vec::<String>::new());
}

fn running_releases_of(simulator: &deploy_native_simulator::Simulator) -> usize {
    let snapshot = simulator.snapshot();
    let services = snapshot["services"].as_array().unwrap().iter();
    let releases = services.filter(|it| it["name"].as_str().is_some_and(|name| name.starts_with("release-")));
    releases.filter(|it| it["running"] == true).count()
}

#[tokio::test]
async fn i3_a_release_whose_start_gets_no_answer_is_not_started_twice() {
    for action in [FaultAction::DropAfter, FaultAction::DropBefore, FaultAction::FailAfter] {
        let world = World::start().await;
        declare(&world, "auth", "1", migration());
        world.simulator.fault(Fault::new("application.deploy", action.clone()).nth(2));
        world.simulator.fault(Fault::new("application.deploy", action.clone()).nth(1));
        let result = world.deploy(request(&world, &["auth"], "1")).await;
        world.simulator.clear_faults();
        if result.is_err() {
            world.deploy(request(&world, &["auth"], "1")).await.unwrap();
        }
        assert_eq!((runs(&world, "auth").await, left_over(&world)), (1, Vec::new()), "{action:?}");
    }
}

#[tokio::test]
async fn the_request_may_say_what_is_run_and_a_wrong_field_is_named() {
    let world = World::start().await;
    declare(&world, "auth", "1", migration());
    let mut request = request(&world, &["auth"], "1");
    request["workspace"]["apps"]["auth"]["release"] = Value::Null;
    request["release"] = json!({ "auth": { "command": COMMAND } });
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(runs(&world, "auth").await, 1);
    request["release"] = json!({ "auth": { "command": COMMAND, "timeout": 1 } });
    let error = failed(world.deploy(request.clone()).await).error;
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert!(error.message().contains("release.auth: unknown field `timeout`"), "{error}");
    request["release"] = json!({ "nobody": { "command": COMMAND } });
    assert!(failed(world.deploy(request).await).error.message().contains("release: the workspace has no app"));
}
