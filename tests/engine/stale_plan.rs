//! A plan that the user was shown: applied as it stands, or not at all.

use deploy_native::deploy::{
    DeployFailure, DeployReport, DeployRequest, UndeployRequest, deploy, plan_undeploy, undeploy,
};
use deploy_native::plan::DeployPlan;
use deploy_native::{ErrorCode, deploy::RunOptions};
use deploy_native_simulator::dns::ZoneRecord;
use deploy_native_test_support::{STAGE, World};
use serde_json::json;

fn options(world: &World, shown: DeployPlan) -> RunOptions {
    // As it comes back from the terminal of a user who has read it.
    let shown = serde_json::from_value(serde_json::to_value(shown).unwrap()).unwrap();
    world.options().expected_plan(shown)
}

async fn deploy_as(world: &World, shown: DeployPlan) -> Result<DeployReport, DeployFailure> {
    Box::pin(deploy(DeployRequest::from_json(world.request()).unwrap(), options(world, shown))).await
}

#[tokio::test]
async fn a_plan_that_is_still_true_is_applied() {
    let world = World::start().await;
    let shown = world.plan(world.request()).await.unwrap();
    let report = deploy_as(&world, shown.clone()).await.unwrap();
    assert_eq!(report.changes, shown.changes);
    let shown = world.plan(world.request()).await.unwrap();
    assert_eq!(deploy_as(&world, shown).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i1_a_plan_that_is_no_longer_true_is_named_step_by_step_and_nothing_is_changed() {
    let world = World::start().await;
    let shown = world.plan(world.request()).await.unwrap();
    world.dns.put_record("example.com", ZoneRecord::new("web.staging", "A", 60, "203.0.113.9"));
    let failure = deploy_as(&world, shown.clone()).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::PlanStale);
    let message = failure.error.message();
    assert!(message.contains("dns:web.staging.example.com: it was \"there is none\""), "{message}");
    assert_eq!(message.lines().count(), 2, "{message}");
    assert_eq!(world.simulator.mutations().len(), 0);
    assert!(!world.dns.requests().iter().any(deploy_native_simulator::dns::RecordedRequest::is_write));
    assert!(!world.root.path().join(format!(".gkm/deploy-{STAGE}.json")).exists());

    world.deploy(world.request()).await.unwrap();
    let (mutations, shown) = (world.simulator.mutations().len(), shown);
    let failure = deploy_as(&world, shown).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::PlanStale);
    assert!(failure.error.message().contains("project: nothing to do any more"), "{}", failure.error);
    assert_eq!(world.simulator.mutations().len(), mutations);
}

#[tokio::test]
async fn an_undeployment_holds_to_its_plan_as_well() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    let request = || {
        let deploy = world.request();
        let request = json!({ "workspace": deploy["workspace"], "stage": STAGE, "credentials": deploy["credentials"] });
        UndeployRequest::from_json(request).unwrap()
    };
    let shown = plan_undeploy(request(), world.options()).await.unwrap();
    let mut less = shown.clone();
    less.steps.retain(|step| step.id != "app:web:delete");
    let mutations = world.simulator.mutations().len();
    let failure = undeploy(request(), options(&world, less)).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::PlanStale);
    assert!(failure.error.message().contains("app:web:delete: new"), "{}", failure.error);
    assert_eq!(world.simulator.mutations().len(), mutations);
    let report = undeploy(request(), options(&world, shown.clone())).await.unwrap();
    assert_eq!(report.removed.len() + report.restored.len(), shown.changes);
}
