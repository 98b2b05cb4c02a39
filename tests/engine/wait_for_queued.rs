//! With `waitFor: 'queued'`, what is queued is not queued again.

use deploy_native::deploy::AppStatus;
use deploy_native_simulator::Image;
use deploy_native_test_support::{World, image, of};
use serde_json::json;

const APPS: [&str; 3] = ["api", "web", "jobs"];

#[tokio::test]
async fn i9_a_second_run_that_only_queues_leaves_what_waits_or_is_under_way() {
    let slow = |app: &str| Image::new(image(app, "1")).pull_takes(600_000);
    let world = World::with(|it| APPS.into_iter().fold(it, |it, app| it.image(slow(app)))).await;
    let mut request = world.light();
    request["waitFor"] = json!("queued");
    world.deploy(request.clone()).await.unwrap();
    let report = world.deploy(request.clone()).await.unwrap();
    assert_eq!((report.changes, world.simulator.count("application.deploy")), (0, 3), "{report:?}");
    for app in APPS {
        assert_eq!(of(&report, app).status, AppStatus::Queued);
    }
    let mut other = request.clone();
    other["images"]["jobs"] = json!(image("jobs", "2"));
    let report = world.deploy(other).await.unwrap();
    assert!(of(&report, "jobs").changed && !of(&report, "api").changed, "{report:?}");
    // What waited vanishes, and what was under way is cancelled.
    world.simulator.restart_server();
    let queued = world.simulator.count("application.deploy");
    let report = world.deploy(request).await.unwrap();
    assert!(report.apps.iter().all(|app| app.changed), "{report:?}");
    assert_eq!(world.simulator.count("application.deploy"), queued + 3);
}
