//! Lost state: a fresh checkout that deploys a stage which runs already regenerates nothing.

use crate::check::{idle, same_resources, secrets};
use crate::flight::{Flight, start};
use deploy_native::ErrorCode;
use deploy_native_test_support::{STAGE, World};
use serde_json::json;

fn tasks(world: &World) -> Vec<String> {
    let snapshot = world.simulator.snapshot();
    let services = snapshot["services"].as_array().unwrap().iter();
    let mut tasks: Vec<String> = services
        .flat_map(|service| service["runs"].as_array().unwrap().iter().map(|run| run["taskId"].to_string()))
        .collect();
    tasks.sort();
    tasks
}

fn lose_state(world: &World) {
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_lost_state_is_recovered_and_nothing_is_regenerated() {
    let world = start().await.by_port();
    world.deploy(world.request()).await.unwrap();
    let (before, running, asked) = (world.state().await, tasks(&world), world.simulator.mutations().len());
    lose_state(&world);
    let report = world.deploy(world.request()).await.unwrap();
    let after = world.state().await;
    assert_eq!(secrets(&after), secrets(&before));
    assert_eq!((after.applications, after.services), (before.applications, before.services));
    assert_eq!((after.project_id, after.environment_id), (before.project_id, before.environment_id));
    assert!(report.apps.iter().all(|app| !app.changed), "{report:?}");
    let sent: Vec<String> =
        world.simulator.mutations().iter().skip(asked).map(|request| request.endpoint().to_owned()).collect();
    // That the roles are as they were proven is all that nothing but the state knew.
    let expected = ["postgres.saveExternalPort", "tag.create", "tag.remove"];
    assert!(sent.iter().all(|endpoint| expected.contains(&endpoint.as_str())), "{sent:?}");
    let apps = |tasks: &[String]| tasks.len();
    assert_eq!(apps(&tasks(&world)), apps(&running));
    let kept = running.iter().filter(|task| tasks(&world).contains(task)).count();
    assert!(kept >= running.len() - 1, "only postgres may have been restarted, to open its port");
    same_resources(&world, Flight::First).await.unwrap();
    idle(&world, Flight::First).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_value_that_nobody_knows_any_more_is_state_lost_and_nothing_is_touched() {
    let world = start().await;
    world.deploy(world.request()).await.unwrap();
    let id = world.state().await.applications["auth"].clone();
    lose_state(&world);
    assert!(world.simulator.edit_application(&id, json!({ "env": "" })));
    let asked = world.simulator.mutations().len();
    let failure = world.deploy(world.request()).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::StateLost);
    let message = failure.error.message();
    assert!(message.contains("the database password of auth, BETTER_AUTH_SECRET of auth"), "{message}");
    assert!(!message.contains("admin-auth"), "{message}");
    assert_eq!(world.simulator.mutations().len(), asked);
    assert!(!world.root.path().join(format!(".gkm/deploy-{STAGE}.json")).exists(), "nothing was written either");
}
