//! Faults, and what a client that gives up leaves behind.

use std::time::{Duration, Instant};

use deploy_native_simulator::{Fault, FaultAction};
use serde_json::json;

use crate::api::{Api, wait_for};

fn projects(api: &Api) -> usize {
    api.simulator.snapshot()["projects"].as_array().unwrap().len()
}

async fn create_under(api: &Api, action: FaultAction) -> reqwest::Result<(u16, serde_json::Value)> {
    api.simulator.clear_faults();
    api.simulator.fault(Fault::new("project.create", action).nth(1));
    api.try_post("project.create", json!({ "name": "x" })).await
}

#[tokio::test]
async fn each_fault_does_exactly_what_it_says() {
    let api = Api::fast().await;
    let (status, body) =
        create_under(&api, FaultAction::Fail { status: 502, body: json!("bad gateway") }).await.unwrap();
    assert_eq!((status, body, projects(&api)), (502, json!("bad gateway"), 1));
    let (status, body) = create_under(&api, FaultAction::FailAfter).await.unwrap();
    assert_eq!((status, &body["code"], projects(&api)), (500, &json!("INTERNAL_SERVER_ERROR"), 2));
    assert!(create_under(&api, FaultAction::DropBefore).await.is_err());
    assert_eq!(projects(&api), 2);
    assert!(create_under(&api, FaultAction::DropAfter).await.is_err());
    assert_eq!(projects(&api), 3);
    let begun = Instant::now();
    assert_eq!(create_under(&api, FaultAction::Delay { millis: 100 }).await.unwrap().0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(100));
    assert_eq!(api.post("project.create", json!({ "name": "x" })).await.0, 200, "only the first request was meant");
    assert_eq!(projects(&api), 5);
}

#[tokio::test]
async fn a_late_effect_is_not_there_when_the_connection_closes() {
    let api = Api::fast().await;
    assert!(create_under(&api, FaultAction::LandLater { millis: 300 }).await.is_err());
    assert_eq!(projects(&api), 1);
    wait_for("the effect", async || (projects(&api) == 2).then_some(())).await;
}

#[tokio::test]
async fn a_hanging_request_has_had_its_effect() {
    let api = Api::fast().await;
    let hanging = create_under(&api, FaultAction::Hang);
    assert!(tokio::time::timeout(Duration::from_millis(300), hanging).await.is_err());
    assert_eq!(projects(&api), 2);
}

#[tokio::test]
async fn what_an_impatient_client_asked_for_happens_all_the_same() {
    let api = Api::start(deploy_native_simulator::Simulator::builder().latency(Duration::from_millis(500))).await;
    let before = projects(&api);
    api.give_up("project.create", json!({ "name": "late" })).await;
    assert_eq!(projects(&api), before, "an immediate listing does not show it");
    wait_for("the effect", async || (projects(&api) == before + 1).then_some(())).await;
}

#[tokio::test]
async fn rules_match_by_name_prefix_kind_and_count() {
    let api = Api::fast().await;
    let teapot = FaultAction::Fail { status: 418, body: json!({}) };
    api.simulator.fault(Fault::new("settings.*", teapot.clone()).nth(2));
    assert_eq!(api.get("settings.getIp", &[]).await.0, 200);
    assert_eq!(api.get("settings.getDokployVersion", &[]).await.0, 418);
    assert_eq!(api.get("settings.getIp", &[]).await.0, 200);
    api.simulator.clear_faults();
    api.simulator.fault(Fault::new("mutations", teapot));
    assert_eq!(api.get("project.all", &[]).await.0, 200);
    assert_eq!(api.post("project.create", json!({ "name": "x" })).await.0, 418);
}

#[tokio::test]
async fn requests_are_recorded_with_their_fields_in_order() {
    let api = Api::fast().await;
    api.post("project.create", json!({ "zeta": 1, "name": "x", "alpha": 2 })).await;
    api.get("project.all", &[]).await;
    let requests = api.simulator.requests();
    let last = &requests[1];
    assert_eq!((last.index, last.endpoint(), last.status), (1, "project.create", Some(200)));
    assert_eq!(last.body.as_ref().unwrap().to_string(), r#"{"zeta":1,"name":"x","alpha":2}"#);
    assert_eq!((api.simulator.count("project.create"), api.simulator.mutations().len()), (2, 2));
    let violations = api.simulator.violations();
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations.iter().all(|violation| violation.starts_with("project.create: ")));
}
