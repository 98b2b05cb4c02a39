//! What a caller does in the course of a run: it agrees to the plan, and is told of each app.

use async_trait::async_trait;
use deploy_native::deploy::{AppReport, AppStatus, DeployFailure, DeployReport, DeployRequest, RunHooks, deploy};
use deploy_native::plan::DeployPlan;
use deploy_native::{DeployError, DeployEvent, ErrorCode};
use deploy_native_simulator::Image;
use deploy_native_test_support::{World, image};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Notes what it is told, and agrees or not.
#[derive(Default)]
struct Notes {
    declines: bool,
    stumbles: bool,
    plans: Mutex<Vec<usize>>,
    apps: Mutex<Vec<(String, AppStatus)>>,
}

#[async_trait]
impl RunHooks for Notes {
    async fn before_apply(&self, plan: &DeployPlan) -> Result<(), DeployError> {
        tokio::task::yield_now().await;
        self.plans.lock().unwrap().push(plan.changes);
        if self.declines { Err(DeployError::declined()) } else { Ok(()) }
    }

    async fn after_app(&self, report: &AppReport) -> Result<(), DeployError> {
        self.apps.lock().unwrap().push((report.app_name.clone(), report.status));
        if self.stumbles { Err(DeployError::new(ErrorCode::HookFailed, "nobody listens")) } else { Ok(()) }
    }
}

fn request(world: &World) -> Value {
    let mut request = world.light();
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    request
}

async fn run(world: &World, request: Value, notes: &Arc<Notes>) -> Result<DeployReport, DeployFailure> {
    let hooks = Arc::clone(notes) as Arc<dyn RunHooks>;
    let options = world.options().hooks(hooks);
    Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options)).await
}

#[tokio::test]
async fn a_plan_that_is_not_agreed_to_changes_nothing() {
    let world = World::start().await;
    let notes = Arc::new(Notes { declines: true, ..Notes::default() });
    let error = run(&world, request(&world), &notes).await.unwrap_err().error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::Cancelled, Some("declined")));
    assert_eq!((world.simulator.mutations().len(), notes.plans.lock().unwrap().len()), (0, 1));
    assert!(!world.root.path().join(".gkm/deploy-staging.json").exists());
    assert!(notes.apps.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_caller_agrees_once_and_is_told_of_each_app() {
    let world = World::start().await;
    let notes = Arc::new(Notes::default());
    let report = run(&world, request(&world), &notes).await.unwrap();
    assert_eq!(*notes.plans.lock().unwrap(), [report.changes]);
    let told: Vec<(String, AppStatus)> =
        ["api", "web", "jobs"].map(|app| (app.to_owned(), AppStatus::Running)).into_iter().collect();
    assert_eq!(*notes.apps.lock().unwrap(), told);
    run(&world, request(&world), &notes).await.unwrap();
    assert_eq!(notes.plans.lock().unwrap().len(), 1, "nothing to agree to");
}

#[tokio::test]
async fn a_failed_app_is_told_of_and_a_hook_that_stumbles_is_a_warning() {
    let world = World::with(|it| it.image(Image::new(image("api", "1")).crashes())).await;
    let notes = Arc::new(Notes { stumbles: true, ..Notes::default() });
    let mut failing = request(&world);
    failing["stabilitySeconds"] = json!(1);
    let failure = run(&world, failing, &notes).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::DeploymentFailed);
    let told = notes.apps.lock().unwrap().clone();
    assert_eq!(told[0], ("api".to_owned(), AppStatus::Failed));
    assert_eq!(told[2], ("jobs".to_owned(), AppStatus::Running));
    let warned = world.told().iter().any(|event| {
        matches!(event, DeployEvent::Warning { code, message, .. } if code == "hook-failed" && message == "nobody listens")
    });
    assert!(warned);
}
