//! The server deploys one application at a time: the way from inside the network waits in that queue.

use crate::internal_database_access::Inside;
use deploy_native::deploy::provision_services;
use deploy_native::dokploy::{CreateApplication, Dokploy, SaveDockerProvider};
use deploy_native::plan::DatabaseRoute;
use deploy_native::{DeployEvent, ErrorCode};
use deploy_native_simulator::Image;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// An image whose pull takes longer than these tests, in the time of the simulated server.
const SLOW: &str = "registry.test/somebody/slow:1";
/// What the events say of a job that waits.
const WAITING: &str = "waiting in the server's deployment queue";

/// A world whose database runs, and whose deployment queue is held up by somebody else.
async fn busy(pull_millis: u64) -> Inside {
    let world = Inside::with(|builder| builder.image(Image::new(SLOW).pull_takes(pull_millis))).await;
    provision_services(world.request("auto"), world.world.options()).await.unwrap();
    let client = Dokploy::new(world.world.simulator.url(), &world.world.simulator.token().into()).unwrap();
    let project = client.project().create("somebody-elses", None).await.unwrap();
    let create = CreateApplication {
        name: "slow",
        environment_id: &project.environment.environment_id,
        app_name: None,
        description: None,
    };
    let id = client.application().create(&create).await.unwrap().application_id;
    let provider = SaveDockerProvider {
        application_id: &id,
        docker_image: Some(SLOW),
        username: None,
        password: None,
        registry_url: None,
    };
    client.application().save_docker_provider(&provider).await.unwrap();
    client.application().deploy(&id, "theirs", "").await.unwrap();
    world
}

impl Inside {
    fn told_waiting(&self) -> usize {
        let events = self.world.events.lock().unwrap().clone();
        let waiting = |event: &DeployEvent| {
            matches!(event, DeployEvent::StepProgress { step, progress, .. }
                if step == "database:roles" && progress == WAITING)
        };
        events.iter().filter(|event| waiting(event)).count()
    }
}

#[tokio::test]
async fn a_busy_queue_is_told_once_and_waited_for() {
    let world = busy(60_000).await;
    let report = world.apply("auto").await.unwrap();
    assert_eq!(report.database_access.unwrap().way, DatabaseRoute::Internal);
    // Two scripts ran, and only the first had to wait.
    assert_eq!(world.told_waiting(), 1);
    assert_eq!(world.jobs(), Vec::<String>::new());
}

#[tokio::test]
async fn i10_a_run_that_waits_in_the_queue_can_be_cancelled_and_its_job_never_runs() {
    let world = busy(600_000).await;
    let cancel = CancellationToken::new();
    let mut options = world.world.options();
    options.cancel = cancel.clone();
    let cancelled = async {
        while world.told_waiting() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
        Instant::now()
    };
    let (result, since) = tokio::join!(world.apply_with("auto", options), cancelled);
    assert_eq!(result.unwrap_err().code(), ErrorCode::Cancelled);
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    world.no_job_remains("cancelled").await;
}

#[tokio::test]
async fn a_queue_that_takes_too_long_ends_internal_and_leads_auto_to_the_port() {
    let world = busy(3_000_000).await;
    let mut options = world.world.options();
    options.surroundings.wait.deployment_deadline = Duration::from_secs(2);
    let error = world.apply_with("internal", options.clone()).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DeploymentFailed, Some("timeout")), "{error:?}");
    assert!(error.message().contains("still waits in Dokploy's queue"), "{error}");
    assert_eq!(world.jobs(), Vec::<String>::new());
    let report = world.apply_with("auto", options).await.unwrap();
    assert_eq!(report.database_access.unwrap().way, DatabaseRoute::ExternalPort);
    assert_eq!(world.jobs(), Vec::<String>::new());
    world.world.assert_port_closed();
}
