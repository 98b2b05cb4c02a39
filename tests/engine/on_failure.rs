//! `onFailure`: what becomes of the apps that a run has changed when a later one fails.

use crate::rollback::{go_back, greeting, version};
use deploy_native::ErrorCode;
use deploy_native::deploy::{AppStatus, DeployFailure, DeployRequest, deploy};
use deploy_native::state::{LocalStateStore, StateProvider as _};
use deploy_native_simulator::dns::{Fault as DnsFault, FaultKind};
use deploy_native_simulator::{Fault, FaultAction, Image};
use deploy_native_test_support::{STAGE, World, image, of};
use serde_json::json;

/// Five apps, each of which calls the one before; the fourth of the second version crashes.
async fn five(mode: &str) -> (World, DeployFailure) {
    const APPS: [&str; 5] = ["one", "two", "three", "four", "five"];
    let world = World::with(|it| it.image(Image::new(image("four", "2")).crashes())).await;
    let request = |number: &str| {
        let mut request = version(&world, &[], number);
        request["workspace"]["apps"] = json!({});
        request["images"] = json!({});
        request["stabilitySeconds"] = json!(1);
        for (index, app) in APPS.into_iter().enumerate() {
            let before = if index == 0 { &[][..] } else { &APPS[index - 1..index] };
            request["workspace"]["apps"][app] = json!({
                "type": "backend", "path": format!("apps/{app}"), "port": 3000 + index, "requiredEnv": ["GREETING"],
                "dependencies": before,
            });
            request["images"][app] = image(app, number).into();
        }
        request
    };
    world.deploy(request("1")).await.unwrap();
    let mut second = request("2");
    second["onFailure"] = mode.into();
    let failure = Box::pin(deploy(DeployRequest::from_json(second).unwrap(), world.options())).await.unwrap_err();
    (world, failure)
}

#[tokio::test]
async fn of_five_apps_whose_fourth_fails_the_others_stay_as_they_are_by_default() {
    let (world, failure) = five("keep").await;
    assert_eq!((failure.error.code(), failure.error.app_name()), (ErrorCode::DeploymentFailed, Some("four")));
    assert_eq!(["one", "two", "three"].map(|app| greeting(&world, app)), ["hello from 2"; 3].map(str::to_owned));
    assert_eq!(greeting(&world, "five"), "hello from 1");
    assert!(failure.report.unwrap().rolled_back.is_empty());
}

#[tokio::test]
async fn of_five_apps_whose_fourth_fails_those_that_were_changed_go_back_where_asked_for() {
    let (world, failure) = five("rollback").await;
    assert_eq!((failure.error.code(), failure.error.app_name()), (ErrorCode::DeploymentFailed, Some("four")));
    for app in ["one", "two", "three", "four", "five"] {
        assert_eq!(
            (world.runs(app).unwrap().0, greeting(&world, app).as_str()),
            (image(app, "1"), "hello from 1"),
            "{app}"
        );
    }
    let report = failure.report.unwrap();
    let mut back: Vec<&str> =
        report.rolled_back.iter().filter(|it| it.restored).map(|it| it.app_name.as_str()).collect();
    back.sort_unstable();
    // The fifth was told its new image, and was not deployed with it.
    assert_eq!(back, ["five", "four", "one", "three", "two"]);
    assert_eq!(of(&report, "four").status, AppStatus::Failed);
    assert_eq!(of(&report, "one").status, AppStatus::Running);
    assert_eq!(of(&report, "one").image, Some(image("one", "1")));
    assert_eq!(of(&report, "five").status, AppStatus::Running);
    let state = world.state().await;
    assert!(state.deploy_native.rolling_back.is_empty());
    assert_eq!(state.deploy_native.history.current("one").unwrap().image, image("one", "1"));
}

#[tokio::test]
async fn what_goes_back_is_seen_running_however_far_the_deployment_was_to_be_followed() {
    let world = World::with(|it| it.image(Image::new(image("web", "3")).absent())).await;
    for number in ["1", "2"] {
        world.deploy(version(&world, &["api", "web"], number)).await.unwrap();
    }
    let mut request = version(&world, &["api", "web"], "3");
    request["onFailure"] = json!("rollback");
    request["waitFor"] = json!("deployed");
    let failure = world.deploy(request.clone()).await.unwrap_err();
    let report = failure.report.unwrap();
    assert!(!report.rolled_back.is_empty() && report.rolled_back.iter().all(|it| it.restored), "{report:#?}");
    assert_eq!(["api", "web"].map(|app| world.runs(app).unwrap().0), ["api", "web"].map(|app| image(app, "2")));
    assert!(world.state().await.deploy_native.rolling_back.is_empty());
    go_back(&world, &request, &json!({ "apps": ["api", "web"] })).await.unwrap();
    assert_eq!(["api", "web"].map(|app| world.runs(app).unwrap().0), ["api", "web"].map(|app| image(app, "1")));
}

#[tokio::test]
async fn an_app_that_a_failed_run_has_not_changed_is_back_already() {
    let world = World::start().await;
    for number in ["1", "2"] {
        world.deploy(version(&world, &["api"], number)).await.unwrap();
    }
    let mut request = version(&world, &["api"], "3");
    request["apps"] = json!(["api"]);
    request["onFailure"] = json!("rollback");
    for endpoint in ["application.saveDockerProvider", "application.saveEnvironment"] {
        let refusal = FaultAction::Fail { status: 403, body: json!({ "message": "no" }) };
        world.simulator.fault(Fault::new(endpoint, refusal).nth(1));
    }
    let failure = world.deploy(request.clone()).await.unwrap_err();
    world.simulator.clear_faults();
    assert!(failure.report.unwrap().rolled_back[0].restored);
    let mut state = world.state().await;
    assert!(state.deploy_native.rolling_back.is_empty());
    // An entry that an older version has left there.
    let second = state.deploy_native.history.current("api").unwrap().id.clone();
    state.deploy_native.rolling_back.insert("api".to_owned(), second);
    LocalStateStore::new(world.root.path()).write(STAGE, &state).await.unwrap();
    go_back(&world, &request, &json!({})).await.unwrap();
    assert_eq!(world.runs("api").unwrap().0, image("api", "1"));
}

#[tokio::test]
async fn a_host_name_that_fails_is_no_reason_to_go_back() {
    let world = World::start().await;
    let mut request = world.light();
    world.deploy(request.clone()).await.unwrap();
    request["images"]["api"] = image("api", "2").into();
    request["workspace"]["apps"]["jobs"]["domain"] = json!("other.example.com");
    request["onFailure"] = json!("rollback");
    world.dns.add_fault(DnsFault::new(FaultKind::Fail(400)).writes().nth(1).times(100));
    let failure = world.deploy(request).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::DnsProvider);
    assert!(failure.report.unwrap().rolled_back.is_empty());
    assert_eq!(world.runs("api").unwrap().0, image("api", "2"));
}

#[tokio::test]
async fn apps_that_were_never_deployed_before_cannot_go_back_and_the_report_says_so() {
    let world = World::with(|it| it.image(Image::new(image("api", "1")).crashes())).await;
    let mut request = version(&world, &[], "1");
    request["onFailure"] = json!("rollback");
    request["stabilitySeconds"] = json!(1);
    let failure = world.deploy(request).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::DeploymentFailed);
    let report = failure.report.unwrap();
    let api = report.rolled_back.iter().find(|back| back.app_name == "api").unwrap();
    assert!(!api.restored && api.deployment.is_none() && api.reason.is_some(), "{api:?}");
    assert_eq!(of(&report, "jobs").status, AppStatus::Running);
}
