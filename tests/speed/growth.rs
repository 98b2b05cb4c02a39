//! How work grows with the number of apps: requests, writes of the state, the journal, events.

use deploy_native::state::StateProvider;
use deploy_native_test_support::measure::{CountingStore, MeasuredRun, MeasuredWorld, without_polls};
use std::sync::Arc;
use std::time::Duration;

/// A first run and an unchanged second one of a workspace of `count` apps.
struct Runs {
    first: MeasuredRun,
    second: MeasuredRun,
    writes: usize,
    journal: u64,
}

async fn runs(count: usize) -> Runs {
    let course = MeasuredWorld::start(Duration::ZERO).await;
    let provider = Arc::new(CountingStore::new(course.world.root.path()));
    let kept: Arc<dyn StateProvider> = provider.clone();
    let options = course.world.options().state_provider(kept);
    let first = course.deploy_with(course.many_apps(count), options.clone()).await;
    let writes = provider.writes();
    let journal = std::fs::metadata(course.world.root.path().join(".gkm/deploy-staging.journal")).unwrap().len();
    let second = course.deploy_with(course.many_apps(count), options).await;
    assert_eq!(provider.writes(), writes, "i9: a second run writes nothing");
    Runs { first, second, writes, journal }
}

#[tokio::test(flavor = "multi_thread")]
async fn i9_requests_writes_and_events_grow_no_faster_than_the_workspace() {
    let (small, large) = (runs(8).await, runs(32).await);
    let reads = |runs: &Runs| runs.second.exchanges.len();
    // One more app is as many more reads, however many there are.
    assert!((reads(&large) - reads(&small)).is_multiple_of(24), "{} and {}", reads(&small), reads(&large));
    assert!(large.second.exchanges.iter().all(|exchange| !exchange.is_write()));
    // How often a lease is renewed depends on how long the run takes.
    let renewal = |path: &str| path == "tag.update";
    let changes = |runs: &Runs| {
        runs.first.exchanges.iter().filter(|exchange| exchange.is_write() && !renewal(&exchange.path)).count()
    };
    let per_app = (changes(&large) - changes(&small)) / 24;
    assert_eq!(changes(&large) - changes(&small), per_app * 24);
    // How many reads a first run makes depends on how busy the machine is, but not by the number of apps.
    let made = |runs: &Runs| without_polls(&runs.first.exchanges).len();
    assert!(made(&large) <= made(&small) * 4, "{} and {}", made(&small), made(&large));
    let told = |runs: &Runs| runs.first.events.len();
    assert!(told(&large) <= told(&small) * 4 + 32, "{} and {}", told(&small), told(&large));
    // Changes of the state that wait share a write.
    assert!(large.writes < large.first.plan.changes, "{} writes for {} steps", large.writes, large.first.plan.changes);
    assert_eq!((small.journal, large.journal), (0, 0), "what is settled is forgotten at the end");
}
