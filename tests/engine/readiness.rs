//! An app counts as running when it answers, and what depends on it goes on at that moment.

use deploy_native::deploy::{AppStatus, DeployFailure, DeployReport};
use deploy_native::{DeployEvent, ErrorCode};
use deploy_native_simulator::Image;
use deploy_native_test_support::{World, digest};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn reference(app: &str, version: &str) -> String {
    format!("registry.test/shop-{app}@sha256:{}", digest(&format!("{app}{version}")))
}

/// A request for these apps, of which each calls the one before.
fn request(world: &World, apps: &[&str], version: &str) -> Value {
    let mut request = world.request();
    request["apps"] = json!(apps);
    request["images"] = json!({});
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    for (number, app) in apps.iter().enumerate() {
        request["images"][app] = reference(app, version).into();
        let before: &[&str] = if number == 0 { &[] } else { &apps[number - 1..number] };
        request["workspace"]["apps"][app]["dependencies"] = json!(before);
    }
    request
}

fn declare(world: &World, image: Image) {
    world.simulator.image(image);
}

fn status(report: &DeployReport, app: &str) -> AppStatus {
    report.apps.iter().find(|it| it.app_name == app).unwrap().status
}

fn failed(result: Result<DeployReport, DeployFailure>) -> DeployFailure {
    result.expect_err("the app does not answer")
}

/// The short-lived applications that stand on the server.
fn probes(world: &World) -> usize {
    let snapshot = world.simulator.snapshot();
    let applications = snapshot["applications"].as_array().unwrap().iter();
    applications.filter(|it| it["name"].as_str().is_some_and(|name| name.starts_with("probe-"))).count()
}

/// How many of them were ever made.
fn probes_made(world: &World) -> usize {
    let creates = world.simulator.mutations().into_iter().filter(|it| it.endpoint() == "application.create");
    creates
        .filter(|it| {
            it.body.as_ref().and_then(|body| body["name"].as_str()).is_some_and(|name| name.starts_with("probe-"))
        })
        .count()
}

fn when(world: &World, is: impl Fn(&DeployEvent) -> bool) -> usize {
    world.events.lock().unwrap().iter().position(is).expect("the event")
}

fn started(event: &DeployEvent, id: &str) -> bool {
    matches!(event, DeployEvent::StepStarted { step, .. } if step == id)
}

fn finished(event: &DeployEvent, id: &str) -> bool {
    matches!(event, DeployEvent::StepFinished { step, .. } if step == id)
}

#[tokio::test]
async fn an_app_that_never_listens_fails_and_what_calls_it_is_not_deployed() {
    let world = World::start().await;
    declare(&world, Image::new(reference("api", "1")).never_listens());
    let mut request = request(&world, &["api", "auth"], "1");
    request["workspace"]["apps"]["api"]["health"] = json!({ "graceSeconds": 3 });
    let failure = failed(world.deploy(request).await);
    assert_eq!(
        (failure.error.code(), failure.error.reason_name()),
        (ErrorCode::DeploymentFailed, Some("not-answering"))
    );
    assert!(failure.error.message().contains("api runs, but accepts no connections at port 3000"), "{}", failure.error);
    assert!(failure.error.log_tail().is_some_and(|log| log.contains("listening")), "{:?}", failure.error.log_tail());
    let report = failure.report.unwrap();
    assert_eq!((status(&report, "api"), status(&report, "auth")), (AppStatus::Failed, AppStatus::Skipped));
    assert_eq!(probes(&world), 0);
}

#[tokio::test]
async fn one_that_listens_at_another_port_fails_and_one_that_needs_time_does_not() {
    let world = World::start().await;
    declare(&world, Image::new(reference("api", "1")).listens_on(8080));
    // In the time of the simulated server.
    declare(&world, Image::new(reference("auth", "1")).listens_after(60_000));
    let mut request = request(&world, &["api", "auth"], "1");
    request["workspace"]["apps"]["auth"]["dependencies"] = json!([]);
    request["workspace"]["apps"]["api"]["health"] = json!({ "graceSeconds": 4 });
    let failure = failed(world.deploy(request).await);
    assert_eq!(failure.error.reason_name(), Some("not-answering"));
    let report = failure.report.unwrap();
    assert_eq!((status(&report, "api"), status(&report, "auth")), (AppStatus::Failed, AppStatus::Running));
    assert_eq!((probes_made(&world), probes(&world)), (1, 0), "one application tries all ports");
}

#[tokio::test]
async fn one_that_does_not_listen_says_so_and_its_port_is_not_tried() {
    let world = World::start().await;
    declare(&world, Image::new(reference("api", "1")).never_listens());
    let mut request = request(&world, &["api"], "1");
    request["health"] = json!({ "api": false });
    let report = world.deploy(request).await.unwrap();
    assert_eq!((status(&report, "api"), probes_made(&world)), (AppStatus::Running, 0));
}

#[tokio::test]
async fn what_ran_before_does_not_answer_for_what_replaces_it() {
    let world = World::start().await;
    declare(&world, Image::new(reference("api", "1")));
    declare(&world, Image::new(reference("api", "2")).never_listens());
    world.deploy(request(&world, &["api"], "1")).await.unwrap();
    let mut second = request(&world, &["api"], "2");
    second["workspace"]["apps"]["api"]["health"] = json!({ "graceSeconds": 3 });
    let failure = failed(world.deploy(second).await);
    assert_eq!(failure.error.reason_name(), Some("not-answering"));
}

#[tokio::test]
async fn i9_a_run_that_deploys_nothing_tries_no_port() {
    let world = World::start().await;
    world.deploy(request(&world, &["api"], "1")).await.unwrap();
    let before = world.simulator.mutations().len();
    let again = world.deploy(request(&world, &["api"], "1")).await.unwrap();
    assert_eq!((again.changes, world.simulator.mutations().len()), (0, before));
}

#[tokio::test]
async fn what_cannot_be_found_out_is_a_warning() {
    let world = World::start().await;
    declare(&world, Image::new(reference("api", "1")).lacks("sh"));
    let mut request = request(&world, &["api"], "1");
    request["workspace"]["services"] = json!({});
    request["workspace"]["apps"]["api"]["requiredEnv"] = json!([]);
    let report = world.deploy(request).await.unwrap();
    assert_eq!((status(&report, "api"), probes(&world)), (AppStatus::Running, 0));
    when(&world, |event| matches!(event, DeployEvent::Warning { code, .. } if code == "answer-unchecked"));
}

#[tokio::test]
async fn a_health_check_that_fails_leaves_what_ran_running() {
    let world = World::start().await;
    declare(&world, Image::new(reference("api", "2")).answers("/health", 503));
    let versioned = |version: &str| {
        let mut request = request(&world, &["api"], version);
        request["workspace"]["apps"]["api"]["health"] =
            json!({ "path": "/health", "graceSeconds": 5, "retries": 2, "intervalSeconds": 2 });
        request
    };
    let report = world.deploy(versioned("1")).await.unwrap();
    assert_eq!((status(&report, "api"), probes_made(&world)), (AppStatus::Running, 0));
    let failure = failed(world.deploy(versioned("2")).await);
    assert_eq!((failure.error.code(), failure.error.reason_name()), (ErrorCode::DeploymentFailed, Some("rollback")));
    let snapshot = world.simulator.snapshot();
    let name = snapshot["applications"][0]["appName"].as_str().unwrap();
    let service = snapshot["services"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    assert_eq!((&service["image"], &service["running"]), (&json!(reference("api", "1")), &json!(true)));
}

#[tokio::test]
async fn what_calls_an_app_is_deployed_when_that_answers_and_the_windows_run_side_by_side() {
    const WINDOW: Duration = Duration::from_secs(8);
    let world = World::start().await;
    let mut request = request(&world, &["api", "auth", "admin-auth"], "1");
    request["stabilitySeconds"] = WINDOW.as_secs().into();
    let begun = Instant::now();
    let report = world.deploy(request).await.unwrap();
    let took = begun.elapsed();
    for app in ["api", "auth", "admin-auth"] {
        assert_eq!(status(&report, app), AppStatus::Running);
    }
    for [before, after] in [["api", "auth"], ["auth", "admin-auth"]] {
        let next = when(&world, |event| started(event, &format!("app:{after}:deploy")));
        let proven = when(&world, |event| finished(event, &format!("app:{before}:deploy")));
        assert!(next < proven, "{after} waited for the window of {before}");
    }
    assert!(took < WINDOW * 3, "the windows followed one another: {took:?}");
}
