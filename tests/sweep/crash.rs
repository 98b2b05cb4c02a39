//! The crash sweep: every change of the server, of the zone and of the state goes wrong once, in every way.

use crate::flight::{Flight, Secrets};
use crate::interruption::{LONG, change_goes_wrong};
use crate::reference::{Reference, points, sample, sweep};
use async_trait::async_trait;
use deploy_native::state::{LocalStateStore, State, StateProvider};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::dns::{Fault as DnsFault, FaultKind};
use deploy_native_simulator::{Fault, FaultAction};
use deploy_native_test_support::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// More reads than a client repeats: it sees that it gets no answer.
const WHILE: usize = 30;

/// How long an answer is waited for that never comes: longer than a busy machine takes for one that comes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs while things go wrong, puts them right, and checks.
async fn interrupted(flight: Flight, world: World, known: Secrets) -> Result<(), String> {
    // Whether it comes through is not the question.
    let _ = flight.fly(&world).await;
    world.simulator.clear_faults();
    world.dns.clear_faults();
    flight.converges(&world, &known).await
}

/// One call goes wrong, once: the run may come through, and must not have done anything twice.
async fn calls_go_wrong(kind: &str, action: FaultAction, offset: usize) {
    let points = sample(points(Flight::ALL, Reference::calls).await, 5, offset);
    sweep(kind, points, |(flight, (endpoint, nth))| {
        let action = action.clone();
        async move {
            let (world, known) = flight.start().await;
            world.simulator.fault(Fault::new(endpoint, action).nth(nth));
            interrupted(flight, world, known).await
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_is_dropped_before_its_effect() {
    calls_go_wrong("drop before the effect", FaultAction::DropBefore, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_is_dropped_after_its_effect() {
    calls_go_wrong("drop after the effect", FaultAction::DropAfter, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_fails_after_its_effect() {
    calls_go_wrong("fail after the effect", FaultAction::FailAfter, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_is_refused() {
    let refusal =
        FaultAction::Fail { status: 400, body: serde_json::json!({ "message": "no", "code": "BAD_REQUEST" }) };
    calls_go_wrong("refused", refusal, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_takes_effect_after_its_connection_was_dropped() {
    calls_go_wrong("effect after the drop", FaultAction::LandLater { millis: 150 }, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_takes_effect_and_is_never_answered() {
    let points = sample(points(Flight::ALL, Reference::calls).await, 5, 15);
    sweep("time out after the effect", points, |(flight, (endpoint, nth))| async move {
        let (world, known) = flight.start().await;
        world.simulator.fault(Fault::new(endpoint, FaultAction::Hang).nth(nth));
        let mut options = world.options();
        let client = &mut options.surroundings.client;
        (client.read_timeout, client.write_timeout, client.long_timeout) = (PATIENCE, PATIENCE, PATIENCE);
        // Whether it comes through is not the question.
        let _ = flight.run(flight.request(&world), options).await;
        world.simulator.clear_faults();
        flight.converges(&world, &known).await
    })
    .await;
}

/// From some read on, nothing is answered there for a while: the run may give up, and must not take silence for absence.
#[tokio::test(flavor = "multi_thread")]
async fn i3_a_read_that_is_not_answered_for_a_while() {
    let refusal = FaultAction::Fail { status: 500, body: serde_json::json!({ "message": "no" }) };
    let kinds = [FaultAction::DropBefore, refusal];
    let points = points(Flight::ALL, Reference::reads).await.into_iter().enumerate();
    let points = points.map(|(index, point)| (index % kinds.len(), point)).collect();
    sweep("reads unanswered", sample(points, 6, 5), |(kind, (flight, (endpoint, nth)))| {
        let action = kinds[kind].clone();
        async move {
            let (world, known) = flight.start().await;
            for nth in nth..nth + WHILE {
                world.simulator.fault(Fault::new(endpoint.as_str(), action.clone()).nth(nth));
            }
            interrupted(flight, world, known).await
        }
    })
    .await;
}

/// From some change on, every change is lost: the run cannot come through.
#[tokio::test(flavor = "multi_thread")]
async fn i3_a_server_that_is_lost_from_some_change_on() {
    let points = points(Flight::ALL, |reference| (1..=reference.total()).collect()).await;
    sweep("outage after the effect", sample(points, 5, 0), |(flight, first)| async move {
        let (world, known) = flight.start().await;
        change_goes_wrong(&world, first, FaultAction::DropAfter, true);
        interrupted(flight, world, known).await
    })
    .await;
}

/// Records are created, replaced, put back and deleted.
#[tokio::test(flavor = "multi_thread")]
async fn i3_a_dns_vendor_that_fails_at_some_write() {
    let kinds = [FaultKind::DropBefore, FaultKind::DropAfter, FaultKind::Fail(500)];
    let list = |reference: &Reference| {
        let writes = reference.dns_writes;
        let each = |kind: &FaultKind| {
            let kind = kind.clone();
            (1..=writes).flat_map(move |nth| [1, LONG].map(|times| (kind.clone(), nth, times))).collect::<Vec<_>>()
        };
        kinds.iter().flat_map(each).collect()
    };
    let points = points([Flight::First, Flight::Renaming, Flight::Removal], list).await;
    sweep("DNS writes", sample(points, 5, 1), |(flight, (kind, nth, times))| async move {
        let (world, known) = flight.start().await;
        world.dns.add_fault(DnsFault::new(kind).writes().nth(nth).times(times));
        interrupted(flight, world, known).await
    })
    .await;
}

/// Keeps the state in the local file; one write, and all after it, fail.
struct FailingDisk {
    disk: LocalStateStore,
    writes: AtomicUsize,
    first: usize,
    /// Whether the first of them took effect all the same.
    after: bool,
}

#[async_trait]
impl StateProvider for FailingDisk {
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError> {
        self.disk.read(stage).await
    }

    async fn write(&self, stage: &str, state: &State) -> Result<(), DeployError> {
        let nth = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        if nth < self.first || (nth == self.first && self.after) {
            self.disk.write(stage, state).await?;
        }
        if nth < self.first { Ok(()) } else { Err(DeployError::new(ErrorCode::StateIo, "the disk failed")) }
    }
}

/// Runs on a disk whose writes fail from the `first` on; says how many there were.
async fn fly_on(flight: Flight, world: &World, first: usize, after: bool) -> usize {
    let disk = LocalStateStore::new(world.root.path());
    let disk = Arc::new(FailingDisk { disk, writes: AtomicUsize::new(0), first, after });
    let mut options = world.options();
    options.state_provider = Some(disk.clone());
    let _ = flight.run(flight.request(world), options).await;
    disk.writes.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_disk_that_fails_from_some_write_of_the_state_on() {
    let mut points = Vec::new();
    for flight in Flight::ALL {
        let writes = fly_on(flight, &flight.start().await.0, usize::MAX, false).await;
        assert!(writes > 5, "{flight:?}: {writes} writes");
        points.extend((1..=writes).flat_map(|first| [(flight, first, false), (flight, first, true)]));
    }
    sweep("state writes", sample(points, 5, 0), |(flight, first, after)| async move {
        let (world, known) = flight.start().await;
        fly_on(flight, &world, first, after).await;
        flight.converges(&world, &known).await
    })
    .await;
}
