//! Back to what was seen running: image and values, with the credentials of today, whatever interrupts.

use deploy_native::deploy::{
    AppStatus, DeployFailure, DeployReport, RollbackRequest, RotateRequest, UndeployRequest, plan_rollback, rollback,
    rotate_credentials, undeploy,
};
use deploy_native::state::{History, LocalStateStore, StateProvider as _};
use deploy_native::{DeployError, DeployEvent, ErrorCode};
use deploy_native_simulator::{Fault, FaultAction, Image, Program};
use deploy_native_test_support::{STAGE, World, image, of};
use serde_json::{Value, json};
use std::sync::Arc;

/// A request to go back, with these fields beside what it shares with the deployment.
fn back(request: &Value, extra: &Value) -> RollbackRequest {
    let mut back = json!({ "stage": STAGE, "stabilitySeconds": 0, "databaseHost": "127.0.0.1" });
    for name in ["workspace", "credentials", "domains", "databaseAccess"] {
        if let Some(value) = request.get(name) {
            back[name] = value.clone();
        }
    }
    for (name, value) in extra.as_object().unwrap() {
        back[name] = value.clone();
    }
    RollbackRequest::from_json(back).unwrap()
}

pub(crate) async fn go_back(world: &World, request: &Value, extra: &Value) -> Result<DeployReport, DeployFailure> {
    Box::pin(rollback(back(request, extra), world.options())).await
}

async fn refused(world: &World, request: &Value, extra: &Value) -> DeployError {
    let before = world.moment();
    let error = go_back(world, request, extra).await.unwrap_err().error;
    world.assert_untouched_since(&before);
    error
}

/// The light workspace at a version of these apps, which greet with it.
pub(crate) fn version(world: &World, apps: &[&str], number: &str) -> Value {
    let mut request = world.light();
    for app in apps {
        request["images"][app] = image(app, number).into();
    }
    request["secrets"] = json!({ "shared": { "GREETING": format!("hello from {number}") } });
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    request
}

pub(crate) fn greeting(world: &World, app: &str) -> String {
    world.runs(app).unwrap().1["GREETING"].clone()
}

async fn id_of(world: &World, app: &str) -> String {
    world.state().await.deploy_native.history.current(app).unwrap().id.clone()
}

#[tokio::test]
async fn an_app_goes_back_with_its_image_and_its_values_and_forward_again() {
    let world = World::start().await;
    world.deploy(version(&world, &["api"], "1")).await.unwrap();
    let request = version(&world, &["api"], "2");
    world.deploy(request.clone()).await.unwrap();
    let second = id_of(&world, "api").await;

    let before = world.moment();
    let plan = plan_rollback(back(&request, &json!({ "apps": ["api"] })), world.options()).await.unwrap();
    world.assert_untouched_since(&before);
    let note = plan.notes.iter().find(|note| note.starts_with("api goes back to")).expect("where to");
    assert!(note.contains(&image("api", "1")), "{note}");
    assert!(plan.steps.iter().all(|step| step.app.as_deref() != Some("jobs")), "{plan:#?}");

    let report = go_back(&world, &request, &json!({ "apps": ["api"] })).await.unwrap();
    assert_eq!(of(&report, "api").status, AppStatus::Running);
    assert_eq!((world.runs("api").unwrap().0, greeting(&world, "api").as_str()), (image("api", "1"), "hello from 1"));
    assert_eq!(greeting(&world, "jobs"), "hello from 2", "nobody asked it to go back");
    let [told] = report.rolled_back.as_slice() else { panic!("{report:#?}") };
    assert!(told.restored && told.app_name == "api" && told.not_undone.is_empty(), "{told:?}");
    assert_eq!(told.image, Some(image("api", "1")));

    let error = refused(&world, &request, &json!({ "apps": ["api"] })).await;
    assert_eq!(error.code(), ErrorCode::NoEarlierDeployment);
    go_back(&world, &request, &json!({ "apps": ["api"], "to": second })).await.unwrap();
    assert_eq!(greeting(&world, "api"), "hello from 2");
    assert_eq!(world.deploy(request).await.unwrap().changes, 0, "i9");
}

#[tokio::test]
async fn a_stage_goes_back_by_what_its_last_run_changed_and_a_wrong_name_is_refused() {
    let world = World::start().await;
    world.deploy(version(&world, &["api", "web", "jobs"], "1")).await.unwrap();
    let mut request = version(&world, &["api", "web", "jobs"], "1");
    request["images"]["web"] = image("web", "2").into();
    world.deploy(request.clone()).await.unwrap();
    let report = go_back(&world, &request, &json!({})).await.unwrap();
    let names: Vec<&str> = report.rolled_back.iter().map(|back| back.app_name.as_str()).collect();
    assert_eq!((names, world.runs("web").unwrap().0), (vec!["web"], image("web", "1")));
    let error = refused(&world, &request, &json!({ "to": "nobody" })).await;
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    let error = refused(&world, &request, &json!({ "apps": ["nobody"] })).await;
    assert!(error.message().contains("the workspace has no app \"nobody\""), "{error}");
}

#[tokio::test]
async fn a_deployment_that_returns_to_earlier_values_is_one_that_can_be_taken_back() {
    let world = World::start().await;
    let first = version(&world, &["api", "web", "jobs"], "1");
    let mut second = first.clone();
    second["images"]["web"] = image("web", "2").into();
    let mut third = second.clone();
    third["images"]["api"] = image("api", "2").into();
    for request in [&first, &second, &third, &second] {
        world.deploy(request.clone()).await.unwrap();
    }
    assert_eq!(world.runs("api").unwrap().0, image("api", "1"));
    let report = go_back(&world, &second, &json!({})).await.unwrap();
    let names: Vec<&str> = report.rolled_back.iter().map(|back| back.app_name.as_str()).collect();
    assert_eq!((names, world.runs("api").unwrap().0), (vec!["api"], image("api", "2")));
    assert_eq!(world.runs("web").unwrap().0, image("web", "2"));
}

/// Two apps with a database user each, and their own image and greeting.
fn with_database(world: &World, number: &str) -> Value {
    let mut request = world.request();
    for field in ["apps", "images"] {
        let at = if field == "apps" { &mut request["workspace"][field] } else { &mut request[field] };
        at.as_object_mut().unwrap().retain(|name, _| ["auth", "admin-auth"].contains(&name.as_str()));
    }
    for app in ["auth", "admin-auth"] {
        request["images"][app] = image(app, number).into();
        request["workspace"]["apps"][app]["requiredEnv"] = json!(["DATABASE_URL", "BETTER_AUTH_SECRET", "GREETING"]);
    }
    request["secrets"] = json!({ "shared": { "GREETING": format!("hello from {number}") } });
    request["workspace"]["services"] = json!({ "db": true });
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    request["databaseAccess"] = json!("internal");
    request
}

async fn rotate(world: &World, request: &Value) {
    let rotation = json!({
        "workspace": request["workspace"], "credentials": request["credentials"], "stage": STAGE,
        "databaseAccess": "internal", "databaseHost": "127.0.0.1", "stabilitySeconds": 0,
    });
    Box::pin(rotate_credentials(RotateRequest::from_json(rotation).unwrap(), world.options())).await.unwrap();
}

#[tokio::test]
async fn an_older_environment_gets_the_newer_password_and_logs_in() {
    let world = World::start().await;
    world.deploy(with_database(&world, "1")).await.unwrap();
    let request = with_database(&world, "2");
    world.deploy(request.clone()).await.unwrap();
    let former = world.state().await.app_credentials["auth"].db_password.clone();
    let secret = world.runs("auth").unwrap().1["BETTER_AUTH_SECRET"].clone();
    rotate(&world, &request).await;
    let report = go_back(&world, &request, &json!({ "apps": ["auth"] })).await.unwrap();
    assert_eq!(of(&report, "auth").status, AppStatus::Running);
    let (runs, env) = world.runs("auth").unwrap();
    assert_eq!((runs, env["GREETING"].as_str()), (image("auth", "1"), "hello from 1"));
    assert_eq!(env["BETTER_AUTH_SECRET"], secret);
    let logins: Vec<_> = world.logins(&["auth"]).into_iter().map(|(_, url)| url).collect();
    assert_eq!(logins.len(), 1);
    assert_eq!(world.log_in(&logins[0]).await.unwrap(), "auth");
    assert!(!world.lets_in("auth", former.expose()).await, "the former password does not come back");
    let told = world.told();
    let planned = told.iter().any(|event| {
        matches!(event, DeployEvent::Planned { text, .. } if text.contains("what we generate for it was changed since"))
    });
    assert!(planned, "the plan says that it keeps today's");
}

#[tokio::test]
async fn a_release_that_ran_since_is_not_run_again_and_what_it_did_is_said_to_stay() {
    let world = World::start().await;
    let released = |number: &str| {
        let mut request = with_database(&world, number);
        request["apps"] = json!(["auth"]);
        request["workspace"]["apps"]["auth"]["release"] = json!({ "command": ["node", "migrate.js"] });
        let program = Program::new(["node", "migrate.js"]).prints(10, "applied");
        world.simulator.image(Image::new(image("auth", number)).program(program));
        request
    };
    world.deploy(released("1")).await.unwrap();
    let request = released("2");
    world.deploy(request.clone()).await.unwrap();
    let before = world.moment();
    let report = go_back(&world, &request, &json!({ "apps": ["auth"] })).await.unwrap();
    let created: Vec<Value> = world
        .sent_since(&before)
        .into_iter()
        .filter(|(endpoint, _)| endpoint == "application.create")
        .map(|(_, body)| body["name"].clone())
        .collect();
    assert!(created.iter().all(|name| !name.as_str().unwrap().starts_with("release-")), "{created:?}");
    assert!(report.rolled_back[0].not_undone[0].contains("a release has run since"), "{report:#?}");
    assert_eq!(world.runs("auth").unwrap().0, image("auth", "1"));
}

#[tokio::test]
async fn i3_a_rollback_that_was_interrupted_is_finished_and_goes_no_further_back() {
    let world = World::start().await;
    for number in ["1", "2", "3"] {
        world.deploy(version(&world, &["api", "web", "jobs"], number)).await.unwrap();
    }
    let request = version(&world, &["api", "web", "jobs"], "3");
    // The first of them has gone back when the run is cut short.
    let options = world.options();
    let (events, cancel) = (Arc::clone(&options.events), options.cancel.clone());
    let options = options.events(Arc::new(move |event: DeployEvent| {
        let first = matches!(&event, DeployEvent::StepFinished { step, .. } if step == "app:api:deploy");
        events.emit(event);
        if first {
            cancel.cancel();
        }
    }));
    let extra = json!({ "apps": ["api", "web"] });
    let failure = Box::pin(rollback(back(&request, &extra), options)).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::Cancelled);
    assert_eq!(world.runs("api").unwrap().0, image("api", "2"));
    let report = go_back(&world, &request, &extra).await.unwrap();
    assert!(report.rolled_back.iter().all(|back| back.restored), "{report:#?}");
    assert_eq!(["api", "web"].map(|app| world.runs(app).unwrap().0), ["api", "web"].map(|app| image(app, "2")));
    assert_eq!(world.runs("jobs").unwrap().0, image("jobs", "3"));
    assert!(world.state().await.deploy_native.rolling_back.is_empty());
    assert!(world.deploy(request).await.unwrap().changes > 0, "what is wanted is what the workspace says");
}

#[tokio::test]
async fn after_a_run_that_failed_the_stage_goes_back_to_what_worked() {
    let world = World::with(|it| it.image(Image::new(image("web", "3")).crashes())).await;
    for number in ["1", "2"] {
        world.deploy(version(&world, &["api", "web"], number)).await.unwrap();
    }
    let mut request = version(&world, &["api", "web"], "3");
    request["apps"] = json!(["api", "web"]);
    request["stabilitySeconds"] = json!(1);
    world.deploy(request.clone()).await.unwrap_err();
    assert_eq!(world.runs("api").unwrap().0, image("api", "3"));
    let report = go_back(&world, &request, &json!({})).await.unwrap();
    assert_eq!(report.rolled_back.len(), 2, "{report:#?}");
    assert_eq!(["api", "web"].map(|app| world.runs(app).unwrap().0), ["api", "web"].map(|app| image(app, "2")));
    assert_eq!(greeting(&world, "jobs"), "hello from 2", "the last run has not touched it");
    go_back(&world, &request, &json!({ "apps": ["web"] })).await.unwrap();
    assert_eq!(world.runs("web").unwrap().0, image("web", "1"));
}

#[tokio::test]
async fn i3_a_rollback_that_fails_is_tried_again() {
    let world = World::start().await;
    world.deploy(version(&world, &["api"], "1")).await.unwrap();
    let request = version(&world, &["api"], "2");
    world.deploy(request.clone()).await.unwrap();
    for endpoint in ["application.saveEnvironment", "application.deploy"] {
        world
            .simulator
            .fault(Fault::new(endpoint, FaultAction::Fail { status: 403, body: json!({ "message": "no" }) }).nth(1));
        let failure = go_back(&world, &request, &json!({ "apps": ["api"] })).await.unwrap_err();
        let report = failure.report.expect("a report");
        assert!(!report.rolled_back[0].restored && report.rolled_back[0].reason.is_some(), "{report:#?}");
        world.simulator.clear_faults();
    }
    go_back(&world, &request, &json!({ "apps": ["api"] })).await.unwrap();
    assert_eq!(greeting(&world, "api"), "hello from 1");
}

#[tokio::test]
async fn an_app_that_was_removed_comes_back_as_it_was_last_or_it_is_said_why_not() {
    let world = World::start().await;
    let mut first = version(&world, &["api", "jobs"], "1");
    first["domains"] = json!(true);
    world.deploy(first).await.unwrap();
    let mut request = version(&world, &["api", "jobs"], "2");
    request["domains"] = json!(true);
    world.deploy(request.clone()).await.unwrap();
    let id = world.application_id("api");
    world.somebody_posts("application.delete", json!({ "applicationId": id })).await;
    let report = go_back(&world, &request, &json!({ "apps": ["api"] })).await.unwrap();
    assert_eq!((of(&report, "api").status, greeting(&world, "api").as_str()), (AppStatus::Running, "hello from 2"));
    assert!(world.simulator.snapshot()["domains"].to_string().contains("api.staging.example.com"));

    let removal = json!({
        "workspace": request["workspace"], "credentials": request["credentials"], "stage": STAGE, "apps": ["jobs"],
    });
    Box::pin(undeploy(UndeployRequest::from_json(removal.clone()).unwrap(), world.options())).await.unwrap();
    let plan = plan_rollback(back(&request, &json!({ "to": "2100-01-01T00:00:00Z" })), world.options()).await;
    assert_eq!(plan.unwrap_err().code(), ErrorCode::NoEarlierDeployment, "undeployed on purpose, it stays away");
    go_back(&world, &request, &json!({ "apps": ["jobs"] })).await.unwrap();
    assert_eq!(greeting(&world, "jobs"), "hello from 2");

    let mut smaller = request.clone();
    smaller["workspace"]["apps"].as_object_mut().unwrap().shift_remove("jobs");
    let error = refused(&world, &smaller, &json!({ "apps": ["jobs"] })).await;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::InvalidRequest, Some("not-declared")));
    assert!(error.message().contains("\"jobs\""), "{error}");

    let mut data = removal;
    data["deleteData"] = json!(true);
    Box::pin(undeploy(UndeployRequest::from_json(data).unwrap(), world.options())).await.unwrap();
    assert!(world.state().await.deploy_native.history.deployments("jobs").is_empty(), "its values go with its data");
}

#[tokio::test]
async fn i6_values_of_the_past_are_never_shown() {
    let world = World::start().await;
    let request = |number: &str| {
        let mut request = version(&world, &["api"], number);
        request["secrets"] = json!({ "shared": { "GREETING": format!("canary-of-{number}-in-the-past") } });
        request
    };
    world.deploy(request("1")).await.unwrap();
    world.deploy(request("2")).await.unwrap();
    world.events.lock().unwrap().clear();
    go_back(&world, &request("2"), &json!({ "apps": ["api"] })).await.unwrap();
    assert_eq!(greeting(&world, "api"), "canary-of-1-in-the-past");
    assert!(!format!("{:?}", world.told()).contains("canary-of-"));
    assert!(!format!("{:?}", world.state().await.deploy_native.history).contains("canary-of-"));
}

#[tokio::test]
async fn a_state_without_history_learns_what_ran_before_it_is_replaced() {
    let world = World::start().await;
    world.deploy(version(&world, &["api"], "1")).await.unwrap();
    let store = LocalStateStore::new(world.root.path());
    let mut older = world.state().await;
    older.deploy_native.history = History::default();
    store.write(STAGE, &older).await.unwrap();
    let request = version(&world, &["api"], "2");
    world.deploy(request.clone()).await.unwrap();
    go_back(&world, &request, &json!({ "apps": ["api"] })).await.unwrap();
    assert_eq!((world.runs("api").unwrap().0, greeting(&world, "api").as_str()), (image("api", "1"), "hello from 1"));
}
