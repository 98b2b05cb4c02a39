//! The stage's lease on the server as a run meets it: held by another machine, given back, taken away, or not to be had.

use deploy_native::dokploy::Dokploy;
use deploy_native::lease::{Lease, LeaseName, LeaseRequest, LeaseSettings, Leased, take};
use deploy_native::secrets::Secret;
use deploy_native::{DeployError, DeployEvent, ErrorCode};
use deploy_native_simulator::{Fault, FaultAction};
use deploy_native_test_support::{LANDING, STAGE, World};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Takes the lease of the stage as a run on another machine does.
async fn lease_elsewhere(world: &World) -> Lease {
    let token = Secret::new(world.simulator.token());
    let client = Dokploy::new(world.simulator.url(), &token).unwrap();
    let name = world.light()["workspace"]["name"].as_str().unwrap().to_owned();
    let request = LeaseRequest {
        name: LeaseName::stage(&name, STAGE),
        machine: "ci-runner-7".to_owned(),
        process: 4711,
        run: "run-elsewhere".to_owned(),
        started_at: "2026-01-17T12:00:00.000Z".to_owned(),
        dead: Vec::new(),
        wait: Duration::ZERO,
        landing: LANDING,
        over: CancellationToken::new(),
        settings: LeaseSettings::default(),
    };
    match take(&client, &request, &TaskTracker::new(), |_| {}).await.unwrap() {
        Leased::Ours(lease) => lease,
        Leased::Unavailable(why) => panic!("{why}"),
    }
}

/// Deploys, and waits for another run as long as is said.
async fn deploy_waiting(world: &World, request: Value, wait: Duration) -> Result<usize, DeployError> {
    let options = world.options().wait_for_lock(wait);
    let request = deploy_native::deploy::DeployRequest::from_json(request)?;
    let report = Box::pin(deploy_native::deploy::deploy(request, options)).await;
    report.map(|report| report.changes).map_err(|failure| failure.error)
}

fn count(world: &World, matches: impl Fn(&DeployEvent) -> bool) -> usize {
    world.told().iter().filter(|event| matches(event)).count()
}

#[tokio::test]
async fn i11_a_run_on_another_machine_refuses_every_command_and_a_plan_is_free() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let held = lease_elsewhere(&world).await;
    let before = world.moment();
    let mut request = world.light();
    request["secrets"]["shared"]["GREETING"] = json!("another");
    assert!(world.plan(request.clone()).await.unwrap().changes > 0);
    let error = world.deploy(request.clone()).await.unwrap_err().error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateLocked, Some("lease")));
    for told in ["4711", "ci-runner-7", "2026-01-17T12:00:00"] {
        assert!(error.message().contains(told), "{error}");
    }
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0, "what changes nothing takes no lease");
    let undeploy = json!({
        "workspace": request["workspace"], "stage": STAGE, "credentials": request["credentials"],
    });
    let undeploy = deploy_native::deploy::UndeployRequest::from_json(undeploy).unwrap();
    let refused = deploy_native::deploy::undeploy(undeploy, world.options()).await.unwrap_err().error;
    assert_eq!(refused.code(), ErrorCode::StateLocked);
    world.assert_untouched_since(&before);
    assert!(held.release().await);
    assert!(world.deploy(request).await.unwrap().changes > 0);
    assert_eq!(world.simulator.snapshot()["tags"], json!([]), "given back");
}

#[tokio::test]
async fn i11_a_run_waits_for_the_other_one_and_says_for_whom() {
    let world = World::start().await;
    let held = lease_elsewhere(&world).await;
    let (changes, ()) = tokio::join!(deploy_waiting(&world, world.light(), Duration::from_secs(30)), async {
        while count(&world, |event| matches!(event, DeployEvent::WaitingForLock { .. })) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(world.applications("api").is_empty(), "nothing is made meanwhile");
        assert!(held.release().await);
    });
    assert!(changes.unwrap() > 0);
    let named = |event: &DeployEvent| matches!(event, DeployEvent::WaitingForLock { message, .. } if message.contains("ci-runner-7"));
    assert_eq!(count(&world, named), 1);
}

#[tokio::test]
async fn i11_a_run_whose_lease_is_taken_stops_and_leaves_what_the_heir_did() {
    let world = World::start().await;
    let name = LeaseName::stage(world.light()["workspace"]["name"].as_str().unwrap(), STAGE);
    let settings = LeaseSettings { renewal: Duration::from_millis(50), ..LeaseSettings::default() };
    let mut options = world.options();
    options.surroundings.lease = settings;
    // Long enough in the middle of the run for a renewal to find out.
    world.simulator.fault(Fault::new("application.create", FaultAction::Hang));
    let request = deploy_native::deploy::DeployRequest::from_json(world.light()).unwrap();
    let (failed, heir) = tokio::join!(Box::pin(deploy_native::deploy::deploy(request, options)), async {
        while world.simulator.count("application.create") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(world.simulator.remove_tag(name.tag()));
        lease_elsewhere(&world).await
    });
    let error = failed.unwrap_err().error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateLocked, Some("lease-lost")));
    heir.check().unwrap();
    let tags = world.simulator.snapshot()["tags"].clone();
    assert!(tags.to_string().contains(name.tag()), "the heir's lease stays: {tags}");
    world.simulator.clear_faults();
    assert!(heir.release().await);
    world.deploy(world.light()).await.unwrap();
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i11_a_server_that_makes_no_tags_is_done_without_and_said_once() {
    let world = World::start().await;
    let refusal = FaultAction::Fail { status: 400, body: json!({ "message": "no tags here", "code": "BAD_REQUEST" }) };
    world.simulator.fault(Fault::new("tag.create", refusal));
    world.deploy(world.light()).await.unwrap();
    let warned =
        |event: &DeployEvent| matches!(event, DeployEvent::Warning { code, .. } if code == "lease-unavailable");
    assert_eq!(count(&world, warned), 1);
}
