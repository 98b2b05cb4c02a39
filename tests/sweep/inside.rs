//! The way to the database from inside the server's network, killed at every request that belongs to it.

use crate::check::secrets_on_disk;
use crate::child::{Running, played};
use crate::flight::{Flight, start};
use crate::reference::{sample, sweep};
use deploy_native_test_support::World;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How long a child may take to come to its point, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// The requests, reads too, that concern a job: from its making to its deletion.
fn of_jobs(world: &World) -> usize {
    let requests = world.simulator.requests();
    let is_first = |body: &serde_json::Value| body["name"].as_str().is_some_and(|name| name.starts_with("sql-"));
    let first = requests.iter().position(|request| request.body.as_ref().is_some_and(is_first));
    first.map_or(0, |first| requests.len() - first)
}

/// How many requests an undisturbed run makes from the first job's making to the last one's deletion.
async fn undisturbed() -> usize {
    static COUNT: OnceCell<usize> = OnceCell::const_new();
    let count = async {
        let world = start().await;
        world.deploy(world.request()).await.unwrap();
        let requests = world.simulator.requests();
        let of_job = |name: &str| name == "application.delete";
        let last = requests.iter().rposition(|request| of_job(request.endpoint())).unwrap();
        of_jobs(&world) - (requests.len() - 1 - last)
    };
    *COUNT.get_or_init(|| count).await
}

/// What is left of jobs: applications with their mark, and services.
fn left(world: &World) -> Vec<String> {
    let snapshot = world.simulator.snapshot();
    let texts = |table: &str, field: &str| {
        let rows = snapshot[table].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let applications = texts("applications", "description").into_iter().filter(|mark| mark.contains(" job="));
    applications.chain(texts("services", "name").into_iter().filter(|name| name.starts_with("sql-"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_process_that_is_killed_at_some_request_of_a_job_leaves_none() {
    const NAME: &str = "inside::i3_a_process_that_is_killed_at_some_request_of_a_job_leaves_none";
    if played().await {
        return;
    }
    let count = undisturbed().await;
    assert!(count > 12, "{count} requests");
    sweep("SIGKILL at a request of a job", sample((1..=count).collect(), 6, 0), |nth| async move {
        let world = start().await;
        let child = Running::start(NAME, &world, Flight::First);
        let deadline = Instant::now() + PATIENCE;
        while of_jobs(&world) < nth && child.ended().is_none() {
            if Instant::now() > deadline {
                return Err("the child did not come to its point".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.kill();
        let before = secrets_on_disk(&world).await?;
        Flight::First.converges(&world, &before).await?;
        let left = left(&world);
        if left.is_empty() { Ok(()) } else { Err(format!("i3: jobs are left: {left:?}")) }
    })
    .await;
}
