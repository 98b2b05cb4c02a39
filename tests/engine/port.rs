//! The database's port is closed at rest, whatever happens on the way (I4).

use crate::look::{of, rows};
use crate::world::World;
use deploy_native::ErrorCode;
use deploy_native::deploy::{AppStatus, DeployRequest, deploy};
use deploy_native_simulator::{Fault, FaultAction};
use serde_json::{Value, json};
use std::time::Duration;

const PORT: &str = "postgres.saveExternalPort";

/// Only what needs the database.
fn auth_only(world: &World) -> Value {
    let mut request = world.request();
    request["apps"] = json!(["auth"]);
    request
}

async fn lands_closed(world: &World) {
    tokio::time::sleep(Duration::from_millis(700)).await;
    world.assert_port_closed();
}

#[tokio::test]
async fn i4_a_port_that_is_taken_leads_to_another_and_all_are_closed() {
    let conflict = FaultAction::Fail {
        status: 409,
        body: json!({ "message": "Port 23456 is already in use by container \"x\"", "code": "CONFLICT" }),
    };
    let world = World::with(|it| it.fault(Fault::new(PORT, conflict).nth(1))).await.by_port();
    let report = world.deploy(auth_only(&world)).await.unwrap();
    assert_eq!(of(&report, "auth").status, AppStatus::Running);
    let ports = world.opened_ports();
    assert_eq!(ports.len(), 2, "{ports:?}");
    assert!(ports[0] != ports[1] && ports.iter().all(|port| *port >= 10_000));
    lands_closed(&world).await;
}

#[tokio::test]
async fn i4_an_open_whose_answer_is_lost_is_closed_after_it_has_landed() {
    for action in [FaultAction::LandLater { millis: 200 }, FaultAction::DropAfter, FaultAction::FailAfter] {
        let world = World::with(|it| it.fault(Fault::new(PORT, action.clone()).nth(1))).await.by_port();
        let outcome = world.deploy(auth_only(&world)).await;
        lands_closed(&world).await;
        if let Err(failure) = outcome {
            panic!("{action:?}: the open landed, so the run goes on: {failure:?}");
        }
        assert_eq!(world.deploy(auth_only(&world)).await.unwrap().changes, 0, "{action:?}");
    }
}

#[tokio::test]
async fn i4_a_close_that_fails_is_sent_again_until_the_port_is_closed() {
    for action in [
        FaultAction::DropBefore,
        FaultAction::DropAfter,
        FaultAction::LandLater { millis: 300 },
        FaultAction::Fail { status: 500, body: json!({ "message": "boom" }) },
    ] {
        let world = World::with(|it| it.fault(Fault::new(PORT, action.clone()).nth(2))).await.by_port();
        let report = world.deploy(auth_only(&world)).await;
        lands_closed(&world).await;
        assert!(report.is_ok(), "{action:?}: {:?}", report.unwrap_err());
    }
}

#[tokio::test]
async fn i4_a_leftover_open_port_is_closed_first_by_the_next_run() {
    let world = World::start().await.by_port();
    world.deploy(world.request()).await.unwrap();
    let id = rows(&world.simulator.snapshot()["postgres"])[0]["postgresId"].clone();
    let open = reqwest::Client::new()
        .post(format!("{}/api/{PORT}", world.simulator.url()))
        .header("x-api-key", world.simulator.token())
        .json(&json!({ "postgresId": id, "externalPort": 23_457 }));
    assert!(open.send().await.unwrap().status().is_success());
    let plan = world.plan(world.request()).await.unwrap();
    assert_eq!(plan.steps.first().map(|step| step.id.as_str()), Some("database:close-port"), "{plan:#?}");
    let before = world.moment();
    world.deploy(world.request()).await.unwrap();
    assert_eq!(world.endpoints_since(&before), [PORT]);
    world.assert_port_closed();
    assert_eq!(world.deploy(world.request()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i4_a_port_behind_a_firewall_is_unreachable_and_closed() {
    let world = World::start().await.by_port();
    let mut request = auth_only(&world);
    // Nothing listens at this address of the loopback network, as behind a firewall that refuses.
    request["databaseHost"] = json!("127.0.0.9");
    let mut options = world.options();
    options.surroundings.database_deadline = Duration::from_secs(1);
    let failure = Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options)).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::PostgresUnreachable, "{failure:?}");
    assert!(failure.error.hint_text().is_some(), "{:?}", failure.error);
    assert_eq!(of(&failure.report.unwrap(), "auth").status, AppStatus::Skipped);
    lands_closed(&world).await;
    let report = world.deploy(auth_only(&world)).await.unwrap();
    assert_eq!(of(&report, "auth").status, AppStatus::Running);
}

#[tokio::test]
async fn i9_a_change_of_an_app_alone_opens_no_port() {
    let world = World::start().await.by_port();
    world.deploy(world.request()).await.unwrap();
    let before = world.moment();
    let mut request = world.request();
    request["images"]["auth"] = json!(crate::look::image("auth", "2"));
    world.deploy(request).await.unwrap();
    assert!(!world.endpoints_since(&before).contains(&PORT.to_owned()));
}
