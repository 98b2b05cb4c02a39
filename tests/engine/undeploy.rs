//! Undeployment: ours goes, theirs stays, old records come back.

use deploy_native::ErrorCode;
use deploy_native::deploy::{UndeployReport, UndeployRequest, plan_undeploy, undeploy};
use deploy_native_simulator::Image;
use deploy_native_simulator::dns::{Fault, FaultKind, ZoneRecord};
use deploy_native_test_support::{SERVER_IP, STAGE, World, image, rows};
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

/// Makes idle twins of what an interrupted create can leave twice, as late requests of ours do.
async fn make_twins(world: &World) {
    let (snapshot, state) = (world.simulator.snapshot(), world.state().await);
    let described = |table: &str, field: &str, id: &str| {
        let row = rows(&snapshot[table]).into_iter().find(|row| row[field] == id).unwrap();
        (row["name"].clone(), row["description"].clone())
    };
    let environment = &state.environment_id;
    let application = described("applications", "applicationId", &state.applications["api"]);
    let postgres = described("postgres", "postgresId", state.services.postgres_id.as_ref().unwrap());
    let redis = described("redis", "redisId", state.services.redis_id.as_ref().unwrap());
    for (kind, (name, description)) in [("application", application), ("postgres", postgres), ("redis", redis)] {
        let create = json!({
            "name": name, "description": description, "environmentId": environment, "databaseName": "shop",
            "databaseUser": "shop", "databasePassword": "Twin123",
        });
        world.somebody_posts(&format!("{kind}.create"), create).await;
    }
    let (name, description) = described("environments", "environmentId", environment);
    let create = json!({ "name": name, "description": description, "projectId": state.project_id });
    world.somebody_posts("environment.create", create).await;
    let (name, description) = described("projects", "projectId", &state.project_id);
    world.somebody_posts("project.create", json!({ "name": name, "description": description })).await;
}

#[tokio::test]
async fn i3_undeploy_removes_the_idle_twins_of_everything_as_well() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    make_twins(&world).await;
    let report = leave(&world, &json!({ "deleteData": true, "deleteProject": true })).await;
    // Nothing but the volumes, which Dokploy leaves.
    assert!(report.kept.iter().all(|kept| kept.starts_with("the volume ")), "{:?}", report.kept);
    let snapshot = world.simulator.snapshot();
    for table in ["projects", "environments", "applications", "postgres", "redis"] {
        assert_eq!(snapshot[table], json!([]), "{table}");
    }
}

#[tokio::test]
async fn i3_a_late_empty_twin_of_the_project_is_not_chosen_over_the_used_one_when_the_state_is_lost() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    let before = world.state().await;
    make_twins(&world).await;
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    world.deploy(world.request()).await.unwrap();
    let after = world.state().await;
    assert_eq!((&after.project_id, &after.environment_id), (&before.project_id, &before.environment_id));
    assert_eq!(after.services.postgres_id, before.services.postgres_id);
    let snapshot = world.simulator.snapshot();
    for (table, left) in [("projects", 1), ("applications", 5), ("postgres", 1), ("redis", 1)] {
        assert_eq!(snapshot[table].as_array().unwrap().len(), left, "{table}");
    }
    assert_eq!(world.deploy(world.request()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i2_apps_whose_values_are_lost_can_be_undeployed_and_those_that_stay_are_not_regenerated() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    let state = world.state().await;
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    // As in the middle of a rotation: nothing but the second login is known.
    for app in ["auth", "admin-auth"] {
        let id = &state.applications[app];
        let env =
            world.application(app)["env"].as_str().unwrap().replace(&format!("//{app}:"), &format!("//{app}--next:"));
        assert!(world.simulator.edit_application(id, json!({ "env": env })));
    }
    let lost = world.deploy(world.request()).await.unwrap_err().error;
    assert_eq!(lost.code(), ErrorCode::StateLost);
    assert!(lost.message().contains("of auth") && lost.message().contains("of admin-auth"), "{lost}");
    let report = leave(&world, &json!({ "apps": ["auth"], "deleteData": true })).await;
    assert_eq!(report.removed, ["application auth", "database roles"], "{report:#?}");
    let lost = world.deploy(world.request()).await.unwrap_err().error;
    assert_eq!(lost.code(), ErrorCode::StateLost);
    assert!(!lost.message().contains("of auth") && lost.message().contains("of admin-auth"), "{lost}");
    leave(&world, &json!({ "apps": ["admin-auth"], "deleteData": true })).await;
    world.deploy(world.request()).await.unwrap();
    let after = world.state().await;
    assert_eq!(after.app_credentials["api"], state.app_credentials["api"]);
    assert_ne!(after.app_credentials["auth"], state.app_credentials["auth"]);
    assert_eq!(world.deploy(world.request()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn a_dns_vendor_that_fails_keeps_neither_the_data_nor_the_project() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    world.dns.add_fault(Fault::new(FaultKind::Fail(400)).writes().times(100));
    let everything = json!({ "deleteData": true, "deleteProject": true });
    undeploy(request(&world, &everything), world.options()).await.unwrap_err();
    let snapshot = world.simulator.snapshot();
    assert_eq!((&snapshot["postgres"], &snapshot["projects"]), (&json!([]), &json!([])));
    assert!(record(&world, "api.staging").is_some());
    world.dns.clear_faults();
    leave(&world, &everything).await;
    assert_eq!(record(&world, "api.staging"), None);
    let state = world.state().await;
    assert!(state.dns_records.is_empty() && state.app_credentials.is_empty());
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
    let world = World::with(|it| it.image(Image::new(image("jobs", "1")).pull_takes(120_000))).await;
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
