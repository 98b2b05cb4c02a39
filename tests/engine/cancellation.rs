//! A run that is cancelled after its steps: while apps are to go back, and while what it tried ports with is taken away.

use deploy_native::deploy::{DeployFailure, DeployRequest, deploy};
use deploy_native::{DeployEvent, ErrorCode};
use deploy_native_simulator::{Fault, FaultAction, Image};
use deploy_native_test_support::{World, image};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long what is given up would take.
const SLOW: Duration = Duration::from_secs(6);
/// Within which a cancelled run is over, also on a busy machine.
const SOON: Duration = Duration::from_secs(3);

/// Deploys, and cancels this long after an event; says how long the run went on after that.
async fn cancelled(
    world: &World,
    request: Value,
    (is, after): (impl Fn(&DeployEvent) -> bool + Send + Sync + 'static, Duration),
) -> (DeployFailure, Duration) {
    let options = world.options();
    let (events, cancel) = (Arc::clone(&options.events), options.cancel.clone());
    let fired = Arc::new(std::sync::Mutex::new(None));
    let noted = Arc::clone(&fired);
    let options = options.events(Arc::new(move |event: DeployEvent| {
        if is(&event) {
            let (cancel, noted) = (cancel.clone(), Arc::clone(&noted));
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                *noted.lock().unwrap() = Some(Instant::now());
                cancel.cancel();
            });
        }
        events.emit(event);
    }));
    let failure = Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options)).await.unwrap_err();
    let fired = fired.lock().unwrap().expect("it was cancelled");
    (failure, fired.elapsed())
}

fn delay(endpoint: &str) -> Fault {
    Fault::new(endpoint, FaultAction::Delay { millis: SLOW.as_millis().try_into().unwrap() })
}

#[tokio::test]
async fn i10_a_run_that_is_cancelled_before_its_apps_go_back_ends_at_once() {
    let world = Arc::new(World::with(|it| it.image(Image::new(image("api", "2")).absent())).await);
    let mut request = world.light();
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    request["images"]["api"] = image("api", "1").into();
    world.deploy(request.clone()).await.unwrap();
    request["images"]["api"] = image("api", "2").into();
    request["onFailure"] = json!("rollback");
    let slowed = Arc::clone(&world);
    let going_back = move |event: &DeployEvent| {
        let is = matches!(event, DeployEvent::Warning { code, .. } if code == "rolling-back");
        if is {
            // It looks at the server once more before anything goes back.
            slowed.simulator.fault(delay("*"));
        }
        is
    };
    let (failure, took) = cancelled(&world, request, (going_back, Duration::from_millis(100))).await;
    assert_eq!(failure.error.code(), ErrorCode::Cancelled);
    assert!(took < SOON, "{took:?}");
    let report = failure.report.expect("a report");
    assert!(!report.rolled_back[0].restored, "{report:#?}");
    assert!(world.state().await.deploy_native.rolling_back.is_empty(), "nothing has begun to go back");
}

#[tokio::test]
async fn i10_a_run_that_is_cancelled_while_its_probes_are_taken_away_ends_at_once() {
    let world = World::start().await;
    let mut request = world.request();
    request["apps"] = json!(["api"]);
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    world.simulator.fault(delay("application.delete"));
    let deployed =
        |event: &DeployEvent| matches!(event, DeployEvent::StepFinished { step, .. } if step == "app:api:deploy");
    let (failure, took) = cancelled(&world, request, (deployed, Duration::from_millis(500))).await;
    assert_eq!(failure.error.code(), ErrorCode::Cancelled);
    assert!(took < SOON, "{took:?}");
}
