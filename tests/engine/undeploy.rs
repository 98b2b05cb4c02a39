//! Undeployment: ours goes, theirs stays, old records come back.

use crate::look::{image, rows};
use crate::world::{SERVER_IP, STAGE, World};
use deploy_native::ErrorCode;
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

/// The workspace without an app.
fn without(world: &World, app: &str) -> Value {
    let mut workspace = world.light()["workspace"].clone();
    workspace["apps"].as_object_mut().unwrap().shift_remove(app);
    workspace
}

#[tokio::test]
async fn an_app_that_left_the_workspace_takes_its_record_and_its_domain_with_it() {
    let world = World::start().await;
    let mut request = world.light();
    request["workspace"]["apps"]["jobs"]["domain"] = json!("work.example.com");
    world.deploy(request).await.unwrap();
    assert_eq!(record(&world, "work").as_deref(), Some(SERVER_IP));
    let gone = json!({ "workspace": without(&world, "jobs"), "apps": ["jobs"] });
    let report = leave(&world, &gone).await;
    assert_eq!(report.removed, ["application jobs", "record work.example.com A"]);
    assert_eq!(record(&world, "work"), None, "no name is left that leads to nothing");
    let state = world.state().await;
    assert!(state.dns_records.values().all(|record| record.app.as_deref() != Some("jobs")));
    assert!(!state.deploy_native.domains.hosts().any(|host| host == "work.example.com"));
    assert_eq!(record(&world, "api.staging").as_deref(), Some(SERVER_IP));
}

#[tokio::test]
async fn a_record_at_a_former_name_of_an_app_goes_with_it() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let mut workspace = world.light()["workspace"].clone();
    workspace["apps"]["jobs"]["domain"] = json!("work.example.com");
    let report = leave(&world, &json!({ "workspace": workspace, "apps": ["jobs"] })).await;
    assert_eq!(report.removed, ["application jobs", "record jobs.staging.example.com A"]);
}

#[tokio::test]
async fn an_old_file_names_the_app_of_a_record_by_its_key() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    edit_state(&world, |state| {
        for record in state["dnsRecords"].as_object_mut().unwrap().values_mut() {
            record.as_object_mut().unwrap().shift_remove("app");
        }
    });
    let gone = json!({ "workspace": without(&world, "jobs"), "apps": ["jobs"] });
    assert_eq!(leave(&world, &gone).await.removed, ["application jobs", "record jobs.staging.example.com A"]);
}

fn edit_state(world: &World, change: impl FnOnce(&mut Value)) {
    let path = world.root.path().join(format!(".gkm/deploy-{STAGE}.json"));
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut state);
    std::fs::write(path, state.to_string()).unwrap();
}

#[tokio::test]
async fn i8_after_a_lost_state_records_that_lead_to_the_server_stay_and_are_named() {
    let world = World::start().await;
    let mut deployed = world.light();
    deployed.as_object_mut().unwrap().shift_remove("serverIp");
    world.deploy(deployed).await.unwrap();
    world.dns.remove_record(ZONE, "web.staging", "A");
    world.dns.put_record(ZONE, ZoneRecord::new("web.staging", "A", 60, "203.0.113.9"));
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    let workspace = world.light()["workspace"].clone();
    for extra in [json!({ "workspace": workspace, "apps": ["jobs", "web"] }), json!({ "workspace": workspace })] {
        let plan = plan_undeploy(request(&world, &extra), world.options()).await.unwrap();
        let note = plan.notes.iter().find(|note| note.starts_with("records that lead to the server stay")).unwrap();
        assert!(note.contains("jobs.staging.example.com") && !note.contains("web.staging"), "{note}");
        assert_eq!(note.contains("api.staging"), extra["apps"].is_null(), "{note}");
    }
    leave(&world, &json!({ "workspace": workspace })).await;
    assert_eq!(record(&world, "jobs.staging").as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn i2_another_server_is_not_taken_for_one_from_which_everything_is_gone() {
    let (world, other) = (World::start().await, World::start().await);
    world.deploy(world.light()).await.unwrap();
    let (state, records) = (world.state().await, world.dns_writes().len());
    assert_eq!(state.deploy_native.endpoint.as_deref(), Some(world.simulator.url().trim_end_matches('/')));
    let mut there = world.light();
    there["workspace"]["deploy"]["dokploy"]["endpoint"] = json!(other.simulator.url());
    there["credentials"]["dokploy"]["token"] = json!(other.simulator.token());
    let extra = json!({ "workspace": there["workspace"], "credentials": there["credentials"] });
    let plan = world.plan(there).await.unwrap();
    assert!(plan.notes[0].contains(world.simulator.url()) && plan.notes[0].contains("made anew"), "{:?}", plan.notes);
    for endpoint_is_known in [true, false] {
        let refused = undeploy(request(&world, &extra), world.options()).await.unwrap_err().error;
        assert_eq!((refused.code(), refused.reason_name()), (ErrorCode::InvalidRequest, Some("other-server")));
        let message = refused.message();
        assert!(message.contains(other.simulator.url()), "{message}");
        assert_eq!(message.contains(world.simulator.url()), endpoint_is_known, "{message}");
        assert_eq!((world.state().await.applications, world.dns_writes().len()), (state.applications.clone(), records));
        edit_state(&world, |state| {
            state["deployNative"].as_object_mut().unwrap().shift_remove("endpoint");
        });
    }
    assert_eq!(leave(&world, &json!({ "workspace": world.light()["workspace"] })).await.removed.len(), 6);
}

#[tokio::test]
async fn a_project_that_a_hand_removed_is_gone_and_is_forgotten() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let project = world.state().await.project_id;
    world.somebody_posts("project.remove", json!({ "projectId": project })).await;
    leave(&world, &json!({ "workspace": world.light()["workspace"] })).await;
    let state = world.state().await;
    assert!(state.applications.is_empty() && state.dns_records.is_empty() && state.deploy_native.domains.is_empty());
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
