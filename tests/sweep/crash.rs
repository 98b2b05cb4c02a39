//! The crash sweep: every change of the server, of the zone and of the state goes wrong once, in every way.

use crate::check::{converges, secrets_on_disk};
use crate::reference::{Reference, sample, start, sweep};
use crate::world::World;
use async_trait::async_trait;
use deploy_native::deploy::{DeployRequest, deploy};
use deploy_native::state::{LocalStateStore, State, StateProvider};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::dns::{Fault as DnsFault, FaultKind};
use deploy_native_simulator::{Fault, FaultAction};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More changes than a deployment makes: an outage that begins somewhere lasts to its end.
const LONG: usize = 400;

/// Deploys while things go wrong, puts them right, and checks.
async fn interrupted(world: World) -> Result<(), String> {
    // Whether it comes through is not the question.
    let _ = world.deploy(world.request()).await;
    world.simulator.clear_faults();
    world.dns.clear_faults();
    let before = secrets_on_disk(&world).await?;
    converges(&world, &before).await
}

/// One call goes wrong, once: the run may come through, and must not have done anything twice.
async fn calls_go_wrong(kind: &str, action: FaultAction, offset: usize) {
    let points = sample(Reference::get().await.points(), 3, offset);
    sweep(kind, points, |(endpoint, nth)| {
        let action = action.clone();
        async move {
            let world = start().await;
            world.simulator.fault(Fault::new(endpoint, action).nth(nth));
            interrupted(world).await
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
    calls_go_wrong("drop after the effect", FaultAction::DropAfter, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_fails_after_its_effect() {
    calls_go_wrong("fail after the effect", FaultAction::FailAfter, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_is_refused() {
    let refusal =
        FaultAction::Fail { status: 400, body: serde_json::json!({ "message": "no", "code": "BAD_REQUEST" }) };
    calls_go_wrong("refused", refusal, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_call_that_takes_effect_after_its_connection_was_dropped() {
    calls_go_wrong("effect after the drop", FaultAction::LandLater { millis: 150 }, 4).await;
}

/// From some change on, every change is lost: the run cannot come through.
#[tokio::test(flavor = "multi_thread")]
async fn i3_a_server_that_is_lost_from_some_change_on() {
    let points = sample((1..=Reference::get().await.total()).collect(), 4, 0);
    sweep("outage after the effect", points, |first| async move {
        let world = start().await;
        world.simulator.fault(Fault::new("mutations", FaultAction::DropAfter).nth(first));
        for later in first + 1..first + LONG {
            world.simulator.fault(Fault::new("mutations", FaultAction::DropBefore).nth(later));
        }
        interrupted(world).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_dns_vendor_that_fails_at_some_write() {
    let writes = Reference::get().await.dns_writes;
    let kinds = [FaultKind::DropBefore, FaultKind::DropAfter, FaultKind::Fail(500)];
    let points: Vec<_> = kinds
        .into_iter()
        .flat_map(|kind| (1..=writes).flat_map(move |nth| [1, LONG].map(|times| (kind.clone(), nth, times))))
        .collect();
    sweep("DNS writes", sample(points, 3, 1), |(kind, nth, times)| async move {
        let world = start().await;
        let fault = DnsFault::new(kind).method("POST").nth(nth).times(times);
        world.dns.add_fault(fault);
        interrupted(world).await
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

async fn deploy_on(world: &World, first: usize, after: bool) -> usize {
    let disk = LocalStateStore::new(world.root.path());
    let disk = Arc::new(FailingDisk { disk, writes: AtomicUsize::new(0), first, after });
    let mut options = world.options();
    options.state_provider = Some(disk.clone());
    let _ = deploy(DeployRequest::from_json(world.request()).unwrap(), options).await;
    disk.writes.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_disk_that_fails_from_some_write_of_the_state_on() {
    let writes = deploy_on(&start().await, usize::MAX, false).await;
    assert!(writes > 10, "{writes} writes");
    let points = (1..=writes).flat_map(|first| [(first, false), (first, true)]).collect();
    sweep("state writes", sample(points, 3, 0), |(first, after)| async move {
        let world = start().await;
        deploy_on(&world, first, after).await;
        let before = secrets_on_disk(&world).await?;
        converges(&world, &before).await
    })
    .await;
}
