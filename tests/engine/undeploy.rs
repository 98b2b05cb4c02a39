//! Undeployment: ours goes, theirs stays, old records come back.

use crate::look::{image, rows};
use crate::world::{SERVER_IP, STAGE, World};
use deploy_native::deploy::{UndeployReport, UndeployRequest, plan_undeploy, undeploy};
use deploy_native_simulator::Image;
use deploy_native_simulator::dns::ZoneRecord;
use serde_json::{Value, json};
use std::time::Duration;

const ZONE: &str = "example.com";

fn request(world: &World, extra: &Value) -> UndeployRequest {
    let deploy = world.request();
    let mut request = json!({ "workspace": deploy["workspace"], "stage": STAGE, "credentials": deploy["credentials"] });
    for (name, value) in extra.as_object().unwrap() {
        request[name] = value.clone();
    }
    UndeployRequest::from_json(request).unwrap()
}

async fn leave(world: &World, extra: &Value) -> UndeployReport {
    undeploy(request(world, extra), world.options()).await.unwrap()
}

fn record(world: &World, name: &str) -> Option<String> {
    world.dns.records(ZONE).into_iter().find(|record| record.is(name, "A")).map(|record| record.content)
}

#[tokio::test]
async fn i8_undeploy_removes_what_is_ours_and_puts_back_what_stood_there() {
    let world = World::start().await;
    world.dns.put_record(ZONE, ZoneRecord::new("web.staging", "A", 60, "203.0.113.9"));
    world.dns.put_record(ZONE, ZoneRecord::new("other", "A", 60, "203.0.113.10"));
    world.deploy(world.request()).await.unwrap();
    assert_eq!(record(&world, "web.staging").as_deref(), Some(SERVER_IP));
    let theirs = world.simulator.create_application(&world.state().await.environment_id, "theirs");
    let planned = plan_undeploy(request(&world, &json!({})), world.options()).await.unwrap();
    let mutations = world.simulator.mutations().len();
    let report = leave(&world, &json!({})).await;
    assert!(world.simulator.mutations().len() > mutations);
    assert_eq!(planned.changes, report.removed.len() + report.restored.len(), "{planned:#?} {report:#?}");
    assert_eq!(record(&world, "web.staging").as_deref(), Some("203.0.113.9"));
    assert_eq!(record(&world, "other").as_deref(), Some("203.0.113.10"));
    assert_eq!(record(&world, "api.staging"), None);
    let state = world.state().await;
    assert!(state.applications.is_empty() && state.dns_records.is_empty());
    assert!(state.services.postgres_id.is_some(), "data stays unless it is asked for");
    let snapshot = world.simulator.snapshot().to_string();
    assert!(snapshot.contains(&theirs), "what is not ours stays");
    assert_eq!(leave(&world, &json!({})).await.removed, Vec::<String>::new());
}

#[tokio::test]
async fn undeploy_with_data_and_project_leaves_nothing_and_a_new_deployment_works() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    let old = world.state().await;
    let report = leave(&world, &json!({ "deleteData": true, "deleteProject": true })).await;
    assert!(report.removed.iter().any(|removed| removed == "project"), "{report:#?}");
    let state = world.state().await;
    assert!(state.app_credentials.is_empty() && state.services.postgres_id.is_none() && state.project_id.is_empty());
    world.deploy(world.request()).await.unwrap();
    assert_ne!(world.state().await.app_credentials["api"], old.app_credentials["api"]);
}

#[tokio::test]
async fn one_app_is_undeployed_and_deployed_again_with_its_old_credentials() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    let old = world.state().await;
    let report = leave(&world, &json!({ "apps": ["auth"] })).await;
    assert_eq!(report.removed, ["application auth", "record auth.staging.example.com A"]);
    let report = world.deploy(world.request()).await.unwrap();
    let changed: Vec<&str> = report.apps.iter().filter(|app| app.changed).map(|app| app.app_name.as_str()).collect();
    assert_eq!(changed, ["auth"]);
    let state = world.state().await;
    assert_eq!(state.app_credentials["auth"], old.app_credentials["auth"]);
    assert_eq!(state.generated_secrets["auth"], old.generated_secrets["auth"]);
}

#[tokio::test]
async fn the_record_of_a_front_end_at_the_apex_goes_with_its_app() {
    let world = World::start().await;
    let mut wanted = world.request();
    wanted["mainFrontendAtApex"] = json!(true);
    world.deploy(wanted).await.unwrap();
    assert_eq!(record(&world, "staging").as_deref(), Some(SERVER_IP));
    let report = leave(&world, &json!({ "apps": ["web"], "mainFrontendAtApex": true })).await;
    assert_eq!(report.removed, ["application web", "record staging.example.com A"]);
    assert_eq!(record(&world, "staging"), None);
}

#[tokio::test]
async fn i8_an_app_that_is_being_deployed_leaves_no_service_behind() {
    let world = World::with(|it| it.image(Image::new(image("jobs", "1")).pull_takes(30_000))).await;
    let mut request = world.light();
    request["apps"] = json!(["jobs"]);
    request["waitFor"] = json!("queued");
    world.deploy(request).await.unwrap();
    let under_way = || world.simulator.snapshot()["deployments"].to_string().contains("\"running\"");
    while !under_way() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    leave(&world, &json!({ "apps": ["jobs"] })).await;
    assert!(!under_way(), "it was waited for");
    assert_eq!(rows(&world.simulator.snapshot()["services"]), Vec::<Value>::new());
}
