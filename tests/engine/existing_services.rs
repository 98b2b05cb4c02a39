//! Services that exist: what runs is not restarted, and what is on its way is waited for (I3).

use deploy_native::ErrorCode;
use deploy_native::deploy::{DeployFailure, DeployReport, DeployRequest, deploy};
use deploy_native::plan::Action;
use deploy_native_simulator::Image;
use deploy_native_test_support::World;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the images of the databases are pulled, in the time of the simulated server.
const PULL_MILLIS: u64 = 120_000;

/// How long a run may take on a machine that is busy, before its database counts as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// One app with its database, and with a cache where asked.
fn request(world: &World, cache: bool) -> Value {
    let mut request = world.request();
    request["apps"] = json!([if cache { "api" } else { "auth" }]);
    request["workspace"]["services"] = json!({ "db": true, "cache": cache });
    request
}

/// Deploys, and is cancelled as soon as `endpoint` is asked for.
async fn interrupted_at(world: &World, endpoint: &str) -> Result<DeployReport, DeployFailure> {
    let cancel = CancellationToken::new();
    let mut options = world.options();
    options.cancel = cancel.clone();
    let asked = async {
        while world.simulator.count(endpoint) == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        cancel.cancel();
    };
    let run = Box::pin(deploy(DeployRequest::from_json(request(world, true)).unwrap(), options));
    tokio::join!(run, asked).0
}

#[tokio::test]
async fn i3_a_deployment_of_a_service_that_is_under_way_is_waited_for_and_not_repeated() {
    for by_port in [false, true] {
        let slow = |name: &str| Image::new(name).pull_takes(PULL_MILLIS);
        let world = World::with(|it| it.image(slow("postgres:18")).image(slow("redis:8"))).await;
        let failure = interrupted_at(&world, "postgres.deploy").await.unwrap_err();
        assert_eq!(failure.error.code(), ErrorCode::Cancelled);
        let plan = world.plan(request(&world, true)).await.unwrap();
        let step = plan.steps.iter().find(|step| step.id == "service:postgres").unwrap();
        assert!(step.reason.contains("under way"), "{step:?}");
        let world = if by_port { world.by_port() } else { world };
        tokio::time::timeout(PATIENCE, world.deploy(request(&world, true))).await.expect("a database").unwrap();
        assert_eq!(world.simulator.count("postgres.deploy"), 1, "a second one would have broken its volume");
        assert_eq!(world.simulator.count("redis.deploy"), 1);
        assert_eq!(world.deploy(request(&world, true)).await.unwrap().changes, 0);
    }
}

#[tokio::test]
async fn a_service_that_runs_is_not_restarted_whatever_its_status_says() {
    let world = World::start().await;
    world.deploy(request(&world, true)).await.unwrap();
    let snapshot = world.simulator.snapshot();
    for status in ["error", "running", "idle"] {
        for kind in ["postgres", "redis"] {
            let field = format!("{kind}Id");
            let id = snapshot[kind][0][&field].clone();
            let edit = json!({ field: id, "applicationStatus": status });
            world.somebody_posts(&format!("{kind}.update"), edit).await;
        }
        let before = world.moment();
        let plan = world.plan(request(&world, true)).await.unwrap();
        let told = plan.notes.iter().filter(|note| note.contains("it is not deployed again")).count();
        assert_eq!((plan.changes, told), (0, 2), "{status}: {plan:#?}");
        assert_eq!(world.deploy(request(&world, true)).await.unwrap().changes, 0);
        world.assert_untouched_since(&before);
    }
}

#[tokio::test]
async fn a_service_whose_deployment_failed_is_deployed_again() {
    let missing = || Image::new("redis:8").absent();
    let world = World::with(|it| it.image(missing())).await;
    world.deploy(request(&world, true)).await.unwrap_err();
    world.simulator.image(Image::new("redis:8"));
    let plan = world.plan(request(&world, true)).await.unwrap();
    let step = plan.steps.iter().find(|step| step.id == "service:redis").unwrap();
    assert_eq!((step.action, step.reason.as_str()), (Action::Update, "its newest deployment failed"));
    world.deploy(request(&world, true)).await.unwrap();
    assert_eq!(world.deploy(request(&world, true)).await.unwrap().changes, 0);
}
