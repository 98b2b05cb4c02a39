//! Other credentials for apps that run: never refused, finished whatever interrupts, and nothing else changes.

use deploy_native::deploy::{
    DeployFailure, RotateRequest, RotationReport, plan_rotate_credentials, rotate_credentials,
};
use deploy_native::plan::render;
use deploy_native::state::{RotationPhase, State};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::postgres::PostgresBackend;
use deploy_native_simulator::{Fault, FaultAction, Image};
use deploy_native_test_support::{STAGE, World, image};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const APPS: &[&str] = &["auth", "admin-auth"];

/// A world with two apps that have a database user each, and a front end.
async fn start() -> (World, Value) {
    let world = World::start().await;
    let request = small(&world);
    world.deploy(request.clone()).await.unwrap();
    (world, request)
}

fn small(world: &World) -> Value {
    let mut request = world.request();
    let apps = request["workspace"]["apps"].as_object_mut().unwrap();
    apps.retain(|name, _| ["auth", "admin-auth", "web"].contains(&name.as_str()));
    apps["web"]["dependencies"] = json!(["auth"]);
    let images = request["images"].as_object_mut().unwrap();
    images.retain(|name, _| ["auth", "admin-auth", "web"].contains(&name.as_str()));
    request["workspace"]["services"] = json!({ "db": true });
    request["workspace"]["deploy"].as_object_mut().unwrap().shift_remove("dns");
    request["databaseAccess"] = json!("internal");
    request
}

/// The same with apps whose ports are not tried, so that only they and the database's jobs are deployed.
async fn start_unprobed() -> (World, Value) {
    let world = World::start().await;
    let request = unprobed(small(&world));
    world.deploy(request.clone()).await.unwrap();
    (world, request)
}

fn unprobed(mut request: Value) -> Value {
    for app in request["workspace"]["apps"].as_object_mut().unwrap().values_mut() {
        app["health"] = json!(false);
    }
    request
}

fn rotation(request: &Value, extra: &Value) -> RotateRequest {
    // By this way alone: a refused deployment would else make it take the other one.
    let access = "internal";
    let mut rotation =
        json!({ "stage": STAGE, "stabilitySeconds": 0, "databaseHost": "127.0.0.1", "databaseAccess": access });
    for name in ["workspace", "credentials"] {
        rotation[name] = request[name].clone();
    }
    for (name, value) in extra.as_object().unwrap() {
        rotation[name] = value.clone();
    }
    RotateRequest::from_json(rotation).unwrap()
}

async fn rotate(world: &World, request: &Value, extra: &Value) -> Result<RotationReport, DeployFailure> {
    Box::pin(rotate_credentials(rotation(request, extra), world.options())).await
}

async fn refused(world: &World, request: &Value, extra: &Value) -> DeployError {
    let before = world.moment();
    let error = rotate(world, request, extra).await.unwrap_err().error;
    world.assert_untouched_since(&before);
    error
}

fn password(state: &State, app: &str) -> String {
    state.app_credentials[app].db_password.expose().to_owned()
}

/// Asserts that a rotation is over: the app runs and logs in as its own user, and nothing else lets it in.
async fn is_over(world: &World, app: &str, former: &State) {
    let state = world.state().await;
    assert_eq!(state.deploy_native.rotations.get(app), None);
    assert_eq!(state.app_credentials[app].db_user, app);
    assert_ne!(password(&state, app), password(former, app));
    let logins: Vec<_> = world.logins(&[app]).into_iter().map(|(_, url)| url).collect();
    assert_eq!(logins.len(), 1, "{logins:?}");
    assert_eq!((logins[0].username(), logins[0].password()), (app, Some(password(&state, app).as_str())));
    assert!(world.lets_in(app, &password(&state, app)).await);
    assert!(!world.lets_in(app, &password(former, app)).await, "the former password still works");
    assert!(!world.has_second_login(app).await);
}

#[tokio::test]
async fn a_live_app_is_never_refused_while_its_password_changes_and_nothing_else_changes() {
    for access in ["internal", "external-port"] {
        let (world, request) = start().await;
        let (former, ran) = (world.state().await, runs(&world));
        let before = world.moment();
        let extra = json!({ "databaseAccess": access });
        let (report, seen) = world.in_use(APPS, rotate(&world, &request, &extra)).await;
        let report = report.unwrap();
        assert!(report.apps.iter().all(|app| app.finished && app.credentials == ["DATABASE_URL"]), "{report:#?}");
        assert_eq!(report.apps.len(), 2);
        for app in APPS {
            is_over(&world, app, &former).await;
            let second = format!("{app}--next");
            assert!(seen.logins.contains_key(*app) && seen.logins.contains_key(&second), "{seen:?}");
        }
        assert_eq!(seen.outages == 0, access == "internal", "only an opened port restarts the database: {seen:?}");
        world.assert_port_closed();
        for ((image, mut env), (former_image, former_env)) in runs(&world).into_iter().zip(ran) {
            assert_eq!(image, former_image);
            env.insert("DATABASE_URL".into(), former_env["DATABASE_URL"].clone());
            assert_eq!(env, former_env);
        }
        let web = world.application_id("web");
        assert!(world.sent_since(&before).iter().all(|(_, body)| body["applicationId"] != web), "web has no database");
        assert_eq!(world.deploy(request).await.unwrap().changes, 0, "i9");
    }
}

/// What each app with a database user runs.
fn runs(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    APPS.iter().map(|app| world.runs(app).unwrap()).collect()
}

#[tokio::test]
async fn i6_no_password_is_in_the_sql_the_databases_log_or_the_events() {
    let backend = PostgresBackend::new(deploy_native_test_support::bundled_postgres()).setting("log_statement", "all");
    let mut world = World::with(|builder| builder.backend(Arc::new(backend.clone()))).await;
    world.postgres = Arc::new(backend);
    let request = unprobed(small(&world));
    world.deploy(request.clone()).await.unwrap();
    let former = world.state().await;
    // It stops in the middle, so that the state still knows every password there was.
    world.simulator.fault(Fault::new("application.deploy", fail()).nth(4));
    rotate(&world, &request, &json!({ "apps": ["auth"] })).await.unwrap_err();
    let middle = world.state().await;
    let login = middle.deploy_native.rotations["auth"].login.clone().unwrap();
    assert_eq!(login.phase, RotationPhase::Changed);
    world.simulator.clear_faults();
    rotate(&world, &request, &json!({ "apps": ["auth"] })).await.unwrap();
    let secrets = [password(&former, "auth"), login.interim.expose().to_owned(), login.next.expose().to_owned()];
    let log = world.postgres.log(&world.database()).await.unwrap();
    assert!(log.contains("SCRAM-SHA-256$"), "the statements are in the log");
    let jobs = world.simulator.requests().into_iter().filter(|request| request.endpoint() == "application.update");
    let sql = jobs.map(|request| request.body.unwrap_or_default().to_string()).collect::<String>();
    assert!(sql.contains("SCRAM-SHA-256$"));
    let events = format!("{:?}", world.told());
    let journal = std::fs::read_to_string(world.root.path().join(format!(".gkm/deploy-{STAGE}.journal"))).unwrap();
    for secret in secrets {
        for (place, text) in [("log", &log), ("SQL", &sql), ("events", &events), ("journal", &journal)] {
            assert!(!text.contains(&secret), "{place}");
        }
        assert!(!format!("{middle:?}").contains(&secret));
    }
}

fn fail() -> FaultAction {
    FaultAction::Fail { status: 400, body: json!({ "message": "no", "code": "BAD_REQUEST" }) }
}

#[tokio::test]
async fn the_plan_says_what_restarts_and_changes_nothing() {
    let (world, request) = start().await;
    let before = world.moment();
    let extra = json!({ "apps": ["auth"], "databaseAccess": "external-port" });
    let plan = plan_rotate_credentials(rotation(&request, &extra), world.options()).await.unwrap();
    let (former, text) = (world.state().await, render(&plan));
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "database:second-logins",
            "app:auth:configure-second",
            "app:auth:deploy-second",
            "database:passwords",
            "app:auth:configure",
            "app:auth:deploy",
            "database:close-second-logins",
        ]
    );
    let expected = "\
Plan for stage staging: 7 changes
  + second database logins: the apps keep a way in while their passwords change
      auth: login \"auth--next\", which acts as role \"auth\"
      reached through its external port: databaseAccess says so
      opens the database's external port, and closes it again
      restarts postgres (when its port opens, and when it closes)
  ~ settings of auth: it logs in as \"auth--next\" while the password of \"auth\" changes
      DATABASE_URL (changed)
  ~ deployment of auth: it logs in as \"auth--next\" while the password of \"auth\" changes
      restarts auth
  ~ database passwords: nothing runs with the old ones any more
      auth: role \"auth\"
      reached through its external port: databaseAccess says so
      opens the database's external port, and closes it again
      restarts postgres (when its port opens, and when it closes)
  ~ settings of auth: it logs in as \"auth\" with its new password
      DATABASE_URL (changed)
  ~ deployment of auth: it logs in as \"auth\" with its new password
      restarts auth
  - second database logins: the apps run with their own again
      auth: login \"auth--next\"
      reached through its external port: databaseAccess says so
      opens the database's external port, and closes it again
      restarts postgres (when its port opens, and when it closes)
";
    assert_eq!(text, expected);
    world.assert_untouched_since(&before);
    assert_eq!(world.state().await, former);
    // Given to the run, it holds for it: by the other way it would be another plan.
    let options = world.options().expected_plan(plan.clone());
    let other = rotation(&request, &json!({ "apps": ["auth"] }));
    let stale = Box::pin(rotate_credentials(other, options)).await.unwrap_err();
    assert_eq!(stale.error.code(), ErrorCode::PlanStale);
    world.assert_untouched_since(&before);
    for step in &plan.steps {
        let place = |id: &str| ids.iter().position(|it| *it == id).unwrap();
        assert!(step.depends_on.iter().all(|id| place(id) < place(&step.id)), "{plan:#?}");
    }
}

#[tokio::test]
async fn a_deployment_finishes_what_was_interrupted_and_ships_what_is_new() {
    let (world, mut request) = start_unprobed().await;
    let former = world.state().await;
    for (nth, phase) in [(2, RotationPhase::Begun), (3, RotationPhase::SecondRuns), (4, RotationPhase::Changed)] {
        // The deployments of a rotation: psql, the app, psql, the app, psql.
        world.simulator.clear_faults();
        world.simulator.fault(Fault::new("application.deploy", fail()).nth(nth));
        let extra = json!({ "apps": ["auth"] });
        let (failed, _) = world.in_use(APPS, rotate(&world, &request, &extra)).await;
        let failure = failed.unwrap_err();
        assert!(failure.error.hint_text().unwrap().contains("to finish auth"), "{:?}", failure.error);
        world.simulator.clear_faults();
        let state = world.state().await;
        assert_eq!(state.deploy_native.rotations["auth"].login.as_ref().unwrap().phase, phase);
        request["images"]["auth"] = json!(image("auth", &nth.to_string()));
        let (report, _) = world.in_use(APPS, world.deploy(request.clone())).await;
        report.unwrap();
        is_over(&world, "auth", &former).await;
        assert_eq!(world.runs("auth").unwrap().0, image("auth", &nth.to_string()));
        assert_eq!(world.deploy(request.clone()).await.unwrap().changes, 0, "i9");
    }
}

#[tokio::test]
async fn i2_the_next_rotation_goes_on_with_the_passwords_of_the_interrupted_one() {
    let (world, request) = start_unprobed().await;
    let former = world.state().await;
    world.simulator.fault(Fault::new("application.deploy", fail()).nth(2));
    rotate(&world, &request, &json!({ "apps": ["auth"] })).await.unwrap_err();
    world.simulator.clear_faults();
    let begun = world.state().await.deploy_native.rotations["auth"].login.clone().unwrap();
    let second = world.log_in_as(&world.database(), "auth--next", begun.interim.expose()).await;
    assert_eq!(second.as_deref(), Ok("auth"), "the state knows every password that the database knows");
    // Whoever does not name the app leaves it as it is.
    rotate(&world, &request, &json!({ "apps": ["admin-auth"] })).await.unwrap();
    assert_eq!(world.state().await.deploy_native.rotations["auth"].login.as_ref(), Some(&begun));
    rotate(&world, &request, &json!({})).await.unwrap();
    is_over(&world, "auth", &former).await;
    assert_eq!(password(&world.state().await, "auth"), begun.next.expose());
}

#[tokio::test]
async fn an_app_that_fails_holds_up_no_other_one() {
    let (world, request) = start().await;
    let former = world.state().await;
    let broken = request["images"]["auth"].as_str().unwrap().to_owned();
    world.simulator.image(Image::new(broken.clone()).crashes());
    let failure = rotate(&world, &request, &json!({ "stabilitySeconds": 1 })).await.unwrap_err();
    assert_eq!((failure.error.code(), failure.error.app_name()), (ErrorCode::DeploymentFailed, Some("auth")));
    assert!(failure.error.hint_text().unwrap().contains("finished: admin-auth"), "{:?}", failure.error);
    is_over(&world, "admin-auth", &former).await;
    assert_eq!(password(&world.state().await, "auth"), password(&former, "auth"));
    world.simulator.image(Image::new(broken));
    let (report, _) = world.in_use(APPS, rotate(&world, &request, &json!({ "apps": ["auth"] }))).await;
    assert!(report.unwrap().apps[0].finished);
    is_over(&world, "auth", &former).await;
}

#[tokio::test]
async fn i2_a_state_that_is_lost_in_the_middle_is_recovered() {
    let (world, request) = start_unprobed().await;
    let former = world.state().await;
    world.simulator.fault(Fault::new("application.deploy", fail()).nth(3));
    rotate(&world, &request, &json!({ "apps": ["auth"] })).await.unwrap_err();
    world.simulator.clear_faults();
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    let (report, _) = world.in_use(APPS, world.deploy(request.clone())).await;
    report.unwrap();
    is_over(&world, "auth", &former).await;
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn generated_values_change_by_the_same_call_and_restart_their_app_alone() {
    let (world, request) = start().await;
    let former = world.state().await;
    let before = world.moment();
    let extra = json!({ "apps": ["auth"], "generatedSecrets": ["BETTER_AUTH_SECRET"] });
    // Interrupted: the value that is durable by then is the one that comes to run.
    world.simulator.fault(Fault::new("application.deploy", fail()).nth(1));
    rotate(&world, &request, &extra).await.unwrap_err();
    world.simulator.clear_faults();
    let begun = world.state().await;
    let report = rotate(&world, &request, &extra).await.unwrap();
    assert_eq!(report.apps.len(), 1);
    assert_eq!(
        (report.apps[0].credentials.as_slice(), report.apps[0].finished),
        (&["BETTER_AUTH_SECRET".into()][..], true)
    );
    let state = world.state().await;
    let secret = |state: &State, app: &str| state.generated_secrets[app]["BETTER_AUTH_SECRET"].expose().to_owned();
    assert_ne!(secret(&state, "auth"), secret(&former, "auth"));
    assert_eq!(secret(&state, "auth"), secret(&begun, "auth"));
    assert_eq!(secret(&state, "admin-auth"), secret(&former, "admin-auth"));
    assert_eq!(world.runs("auth").unwrap().1["BETTER_AUTH_SECRET"], secret(&state, "auth"));
    assert_eq!(state.app_credentials, former.app_credentials);
    assert!(state.deploy_native.rotations.is_empty());
    let auth = world.application_id("auth");
    assert!(world.sent_since(&before).iter().all(|(_, body)| body["applicationId"] == auth), "nothing else is touched");
    assert_eq!(world.deploy(request.clone()).await.unwrap().changes, 0);
    let both = json!({ "generatedSecrets": ["BETTER_AUTH_SECRET"], "databasePasswords": true });
    let report = rotate(&world, &request, &both).await.unwrap();
    assert!(report.apps.iter().all(|app| app.finished && app.credentials.len() == 2), "{report:#?}");
    for app in APPS {
        is_over(&world, app, &former).await;
        assert_eq!(world.runs(app).unwrap().1["BETTER_AUTH_SECRET"], secret(&world.state().await, app));
    }
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i1_what_is_the_users_own_is_refused_by_name_and_nothing_is_touched() {
    let world = World::start().await;
    let mut request = small(&world);
    request["secrets"] = json!({ "apps": { "auth": { "BETTER_AUTH_SECRET": "a-secret-of-the-users-own" } } });
    world.deploy(request.clone()).await.unwrap();
    let cases = [
        (json!({ "apps": ["auth"], "generatedSecrets": ["BETTER_AUTH_SECRET"] }), "BETTER_AUTH_SECRET of auth"),
        (json!({ "generatedSecrets": ["STRIPE_SECRET_KEY"] }), "no app has a value of STRIPE_SECRET_KEY"),
        (json!({ "apps": ["web"] }), "web has no database user"),
        (json!({ "apps": ["wbe"] }), "the workspace has no app \"wbe\""),
    ];
    for (extra, expected) in cases {
        let error = refused(&world, &request, &extra).await;
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        assert!(error.message().contains(expected) && error.hint_text().is_some(), "{extra}: {error:?}");
    }
    let extra = json!({ "generatedSecrets": ["BETTER_AUTH_SECRET"] });
    let report = rotate(&world, &request, &extra).await.unwrap();
    assert_eq!(report.apps.iter().map(|app| app.app_name.as_str()).collect::<Vec<_>>(), ["admin-auth"]);
    request["workspace"]["services"] = json!({});
    let error = refused(&world, &request, &json!({ "apps": ["auth"] })).await;
    assert!(error.message().contains("no services.db"), "{error}");
}

#[tokio::test]
async fn i8_an_environment_that_cannot_be_read_whole_is_not_written_anew() {
    let (world, request) = start().await;
    let id = world.application_id("auth");
    let text = world.application("auth")["env"].as_str().unwrap().to_owned() + "\nNODE={{.Node.Hostname}}\n";
    assert!(world.simulator.edit_application(&id, json!({ "env": text })));
    let error = refused(&world, &request, &json!({ "apps": ["auth"] })).await;
    assert!(error.message().contains("NODE of auth"), "{error}");
    rotate(&world, &request, &json!({ "apps": ["admin-auth"] })).await.unwrap();
}

#[tokio::test]
async fn an_app_that_was_undeployed_gets_its_new_password_when_it_comes_back() {
    let (world, request) = start().await;
    let former = world.state().await;
    world.simulator.delete_application(&world.application_id("auth"));
    let report = rotate(&world, &request, &json!({ "apps": ["auth"] })).await.unwrap();
    assert!(report.apps[0].finished);
    assert_ne!(password(&world.state().await, "auth"), password(&former, "auth"));
    world.deploy(request.clone()).await.unwrap();
    is_over(&world, "auth", &former).await;
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}
