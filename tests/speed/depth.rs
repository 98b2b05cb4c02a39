//! How many requests in a row a run takes, against how many it has to take.

use deploy_native_test_support::measure::{Exchange, MeasuredRun, MeasuredWorld, critical_path, depth, without_polls};
use std::time::Duration;

/// Long against what a machine does between two requests, so that requests side by side are seen as such.
const LATENCY: Duration = Duration::from_millis(120);
/// A busy machine can only make runs look deeper than they are: the shallowest of so many counts.
const ATTEMPTS: usize = 3;

/// The first run and the second, unchanged one.
async fn laps(access: &str) -> (MeasuredWorld, MeasuredRun, MeasuredRun) {
    let course = MeasuredWorld::start(LATENCY).await;
    let first = course.deploy(course.request(access)).await;
    let second = course.deploy(course.request(access)).await;
    (course, first, second)
}

fn rows(exchanges: &[Exchange]) -> String {
    let rows = exchanges.iter().map(|exchange| format!("{} {} {}", exchange.method, exchange.path, exchange.query));
    rows.collect::<Vec<_>>().join("\n")
}

/// Asserts what holds for both ways to the database.
async fn is_as_deep_as_it_must_be(access: &str) {
    let (mut shallowest, mut told) = ((usize::MAX, usize::MAX), String::new());
    for _ in 0..ATTEMPTS {
        let (_course, first, second) = laps(access).await;
        assert!(second.exchanges.iter().all(|exchange| !exchange.is_write()), "i9: {}", rows(&second.exchanges));
        assert_eq!(second.report.changes, 0);
        let path = critical_path(&first);
        let made = without_polls(&first.exchanges);
        shallowest = (shallowest.0.min(depth(&made)), shallowest.1.min(depth(&second.exchanges)));
        let right = shallowest.0 * 10 <= path.len() * 13 && shallowest.0 * 2 <= made.len() && shallowest.1 <= 6;
        if right {
            return;
        }
        told = format!(
            "{} requests, the critical path ({}):\n{}\nall\n{}",
            made.len(),
            path.len(),
            rows(&path),
            rows(&made)
        );
    }
    panic!("{access}: the first run is {} deep, the second {}; {told}", shallowest.0, shallowest.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i9_runs_are_hardly_deeper_than_their_critical_path_through_the_port() {
    is_as_deep_as_it_must_be("external-port").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i9_runs_are_hardly_deeper_than_their_critical_path_from_inside() {
    is_as_deep_as_it_must_be("internal").await;
}
