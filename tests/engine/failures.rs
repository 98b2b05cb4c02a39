//! Deployments that fail: told apart, with the log, and without a claim of more than was seen (I7).

use deploy_native::ErrorCode;
use deploy_native::deploy::{AppStatus, DeployFailure};
use deploy_native::{DeployError, DeployEvent};
use deploy_native_simulator::Image;
use deploy_native_test_support::{World, image, of};
use serde_json::{Value, json};
use std::time::Duration;

async fn fails(world: &World, request: Value) -> DeployFailure {
    world.deploy(request).await.unwrap_err()
}

/// What tells a failure apart.
fn kind(error: &DeployError) -> (ErrorCode, Option<&str>, Option<&str>) {
    (error.code(), error.reason_name(), error.app_name())
}

/// Asserts that the error and the events have the end of the container's own log, sorted by time.
fn assert_container_log(world: &World, error: &DeployError) {
    let log: Vec<&str> = error.log_tail().expect("a log").lines().collect();
    assert!(log.iter().any(|line| line.ends_with("Error: simulated crash")), "{log:#?}");
    assert!(log.iter().any(|line| line.ends_with("starting")), "{log:#?}");
    assert!(log.is_sorted(), "a line begins with its time: {log:#?}");
    assert_eq!(world.log_of(error.app_name().unwrap()), log, "the events have it, too");
}

/// Only a window shows that something falls over.
fn watched(mut request: Value) -> Value {
    request["stabilitySeconds"] = json!(1);
    request
}

#[tokio::test]
async fn i7_a_first_image_that_crashes_is_a_crash_loop_and_stops_only_its_dependents() {
    let world = World::with(|it| it.image(Image::new(image("api", "1")).crashes())).await;
    let failure = fails(&world, watched(world.light())).await;
    let error = &failure.error;
    assert_eq!(kind(error), (ErrorCode::DeploymentFailed, Some("crash-loop"), Some("api")));
    assert_eq!(error.step_id(), Some("app:api:deploy"));
    assert!(error.hint_text().is_some());
    assert_container_log(&world, error);
    let report = failure.report.unwrap();
    assert_eq!(of(&report, "api").status, AppStatus::Failed);
    assert_eq!(of(&report, "jobs").status, AppStatus::Running);
    let web = of(&report, "web");
    assert_eq!(web.status, AppStatus::Skipped);
    assert!(web.reason.contains("app:api:deploy"), "{web:?}");
    assert!(
        world
            .told()
            .iter()
            .any(|event| matches!(event, DeployEvent::StepSkipped { step, .. } if step == "app:web:deploy"))
    );
    assert_eq!(world.runs("web"), None);
    assert!(!world.state().await.deploy_native.deployed.contains_key("api"));
}

#[tokio::test]
async fn a_failed_app_is_tried_again_and_recovers() {
    let world = World::with(|it| it.image(Image::new(image("api", "1")).crashes())).await;
    fails(&world, watched(world.light())).await;
    world.simulator.image(Image::new(image("api", "1")));
    let report = world.deploy(world.light()).await.unwrap();
    assert!(report.apps.iter().all(|app| app.status == AppStatus::Running), "{report:#?}");
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i7_an_app_that_crashes_later_and_later_again_is_never_taken_for_deployed() {
    // Long enough to be seen up, and not through the window.
    let world = World::with(|it| it.image(Image::new(image("api", "1")).crashes_after(20_000))).await;
    let failure = fails(&world, watched(world.light())).await;
    assert_eq!(kind(&failure.error), (ErrorCode::DeploymentFailed, Some("crash-loop"), Some("api")));
    while world.runs("api").is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let plan = world.plan(watched(world.light())).await.unwrap();
    assert!(plan.steps.iter().any(|step| step.id == "app:api:deploy"), "{plan:#?}");
    std::fs::remove_file(world.root.path().join(".gkm/deploy-staging.json")).unwrap();
    while world.runs("api").is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let plan = world.plan(watched(world.light())).await.unwrap();
    assert!(plan.steps.iter().any(|step| step.id == "app:api:deploy"), "without a state as well: {plan:#?}");
}

#[tokio::test]
async fn i7_a_new_image_that_crashes_is_rolled_back_and_said_so() {
    let world = World::with(|it| it.image(Image::new(image("api", "2")).crashes())).await;
    let mut request = watched(world.light());
    world.deploy(request.clone()).await.unwrap();
    request["images"]["api"] = json!(image("api", "2"));
    let failure = fails(&world, request.clone()).await;
    assert_eq!(kind(&failure.error), (ErrorCode::DeploymentFailed, Some("rollback"), Some("api")));
    assert_eq!(failure.error.log_tail(), None, "the server shows that of what runs now");
    let report = failure.report.unwrap();
    assert_eq!(of(&report, "api").status, AppStatus::Failed);
    assert_eq!(of(&report, "web").status, AppStatus::Running, "it did not change, and runs: {report:#?}");
    let again = fails(&world, request).await;
    assert_eq!(again.error.code(), ErrorCode::DeploymentFailed, "what was rolled back is not taken for deployed");
    assert_eq!(world.deploy(watched(world.light())).await.unwrap().apps[0].status, AppStatus::Running);
    assert_eq!(world.runs("api").unwrap().0, image("api", "1"));
}

#[tokio::test]
async fn i7_an_environment_that_crashes_under_an_unchanged_image_is_found() {
    let world = World::with(|it| it.image(Image::new(image("jobs", "1")).crashes_with("GREETING", "boom"))).await;
    let mut request = watched(world.light());
    world.deploy(request.clone()).await.unwrap();
    request["secrets"] = json!({ "shared": { "GREETING": "hello" }, "apps": { "jobs": { "GREETING": "boom" } } });
    let failure = fails(&world, request.clone()).await;
    let error = &failure.error;
    assert_eq!(kind(error), (ErrorCode::DeploymentFailed, Some("rollback"), Some("jobs")));
    assert!(error.message().contains("GREETING"), "{error}");
    assert!(error.hint_text().unwrap().contains("docker service logs"), "{error:?}");
    assert!(!format!("{error:?}").contains("boom"), "i6: names, never values");
    assert_eq!(world.runs("jobs").unwrap().1["GREETING"], "hello", "Swarm put the old environment back");
    let row = world.simulator.snapshot()["deployments"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!(row["status"], "done", "the server itself says done");
    let plan = world.plan(request).await.unwrap();
    assert!(plan.steps.iter().any(|step| step.id == "app:jobs:deploy"), "{plan:#?}");
}

#[tokio::test]
async fn an_image_that_does_not_exist_is_said_in_the_servers_words() {
    let world = World::with(|it| it.image(Image::new(image("jobs", "1")).absent())).await;
    let failure = fails(&world, world.light()).await;
    assert_eq!(kind(&failure.error), (ErrorCode::DeploymentFailed, Some("deployment-error"), Some("jobs")));
    assert!(failure.error.message().contains("manifest unknown"), "{}", failure.error);
    assert!(failure.error.hint_text().unwrap().contains("tag"));
    assert!(failure.error.log_tail().unwrap().contains("Pulling"));
    assert_eq!(of(&failure.report.unwrap(), "api").status, AppStatus::Running);
}

#[tokio::test]
async fn a_wrong_registry_login_leads_to_the_setting() {
    let world = World::with(|it| it.registry("registry.test", "robot", "right")).await;
    let mut request = world.light();
    request["apps"] = json!(["jobs"]);
    request["credentials"]["registry"] =
        json!({ "url": "registry.test", "username": "robot", "password": "wrong-canary" });
    let failure = fails(&world, request.clone()).await;
    assert_eq!(kind(&failure.error), (ErrorCode::DeploymentFailed, Some("deployment-error"), Some("jobs")));
    assert!(failure.error.hint_text().unwrap().contains("credentials.registry"));
    assert!(!format!("{:?} {:?}", failure, world.told()).contains("wrong-canary"));
    request["credentials"]["registry"]["password"] = json!("right");
    assert_eq!(of(&world.deploy(request.clone()).await.unwrap(), "jobs").status, AppStatus::Running);
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn every_failure_of_a_run_is_listed() {
    let broken = |it: deploy_native_simulator::SimulatorBuilder| {
        it.image(Image::new(image("api", "1")).absent()).image(Image::new(image("jobs", "1")).absent())
    };
    let world = World::with(broken).await;
    let failure = fails(&world, world.light()).await;
    assert_eq!(failure.error.code(), ErrorCode::Multiple);
    let mut apps: Vec<_> = failure.error.errors().iter().filter_map(DeployError::app_name).collect();
    apps.sort_unstable();
    assert_eq!(apps, ["api", "jobs"]);
    assert!(failure.error.errors().iter().all(|it| it.code() == ErrorCode::DeploymentFailed));
    assert!(failure.report.unwrap().apps.iter().all(|app| app.status != AppStatus::Running));
}

#[tokio::test]
async fn a_deployment_that_the_server_forgets_is_lost_and_the_next_run_makes_it() {
    let slow = |it: deploy_native_simulator::SimulatorBuilder| {
        it.image(Image::new(image("api", "1")).pull_takes(120_000))
            .image(Image::new(image("jobs", "1")).pull_takes(120_000))
    };
    let world = World::with(slow).await;
    let restart = async {
        while world.simulator.snapshot()["queue"].as_array().is_none_or(|queue| queue.len() < 2) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        world.simulator.restart_server();
    };
    let (failure, ()) = tokio::join!(world.deploy(world.light()), restart);
    let failure = failure.unwrap_err();
    let mut reasons: Vec<_> = failure.error.errors().iter().filter_map(DeployError::reason_name).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["cancelled", "lost"], "{:?}", failure.error);
    assert!(failure.error.errors().iter().all(DeployError::is_retryable));
    world.simulator.image(Image::new(image("api", "1")));
    world.simulator.image(Image::new(image("jobs", "1")));
    assert!(world.deploy(world.light()).await.unwrap().apps.iter().all(|app| app.status == AppStatus::Running));
}

#[tokio::test]
async fn i7_a_status_never_claims_more_than_was_waited_for() {
    for (wait, status) in [("queued", AppStatus::Queued), ("deployed", AppStatus::Deployed)] {
        let world = World::with(|it| it.image(Image::new(image("jobs", "1")).crashes())).await;
        let mut request = world.light();
        request["waitFor"] = json!(wait);
        let report = world.deploy(request.clone()).await.unwrap();
        assert!(report.apps.iter().all(|app| app.status == status), "{wait}: {report:#?}");
        assert!(world.state().await.deploy_native.deployed.is_empty(), "{wait}: nothing was verified");
        while !world.simulator.snapshot()["queue"].as_array().unwrap().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let again = world.deploy(request).await.unwrap();
        assert!(
            again.apps.iter().all(|app| matches!(app.status, AppStatus::Queued | AppStatus::Deployed)),
            "{wait}: {again:#?}"
        );
    }
}

#[tokio::test]
async fn i7_a_crash_after_swarm_has_looked_away_is_a_crash_loop_and_no_rollback() {
    let late = Image::new(image("api", "2")).crashes_after(6_000);
    let world = World::with(|it| it.image(late)).await;
    let mut request = watched(world.light());
    request["apps"] = json!(["api"]);
    world.deploy(request.clone()).await.unwrap();
    request["images"]["api"] = json!(image("api", "2"));
    let failure = fails(&world, request).await;
    assert_eq!(kind(&failure.error), (ErrorCode::DeploymentFailed, Some("crash-loop"), Some("api")));
    assert_container_log(&world, &failure.error);
}

#[tokio::test]
async fn i7_a_task_that_fits_on_no_node_is_unplaceable_and_said_so() {
    let world = World::with(|it| it.image(Image::new(image("api", "2")).fits_no_node())).await;
    let mut request = world.light();
    request["apps"] = json!(["api"]);
    world.deploy(request.clone()).await.unwrap();
    request["images"]["api"] = json!(image("api", "2"));
    let failure = fails(&world, request).await;
    let error = &failure.error;
    assert_eq!(kind(error), (ErrorCode::DeploymentFailed, Some("unplaceable"), Some("api")));
    assert!(error.message().contains("no suitable node (unsupported platform on 1 node)"), "{error}");
    assert!(error.hint_text().is_some());
    assert_eq!(world.runs("api").unwrap().0, image("api", "1"), "the old task still runs");
    assert_eq!(of(&failure.report.unwrap(), "api").status, AppStatus::Failed);
}

/// A port that the node itself publishes is held by the old task, which Swarm keeps until the new one runs.
#[tokio::test]
async fn i7_a_port_in_host_mode_that_the_old_task_holds_makes_the_new_one_unplaceable() {
    let world = World::start().await;
    let mut request = world.light();
    request["apps"] = json!(["api"]);
    world.deploy(request.clone()).await.unwrap();
    let publish = json!({
        "applicationId": world.application_id("api"), "publishedPort": 8080, "targetPort": 3000, "protocol": "tcp",
        "publishMode": "host",
    });
    world.somebody_posts("port.create", publish).await;
    request["images"]["api"] = json!(image("api", "2"));
    world.deploy(request.clone()).await.unwrap();
    request["images"]["api"] = json!(image("api", "3"));
    let failure = fails(&world, request).await;
    assert_eq!(kind(&failure.error), (ErrorCode::DeploymentFailed, Some("unplaceable"), Some("api")));
    assert!(failure.error.message().contains("host-mode port already in use"), "{}", failure.error);
}
