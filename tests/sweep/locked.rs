//! Two runs: of those that start together one works, and a dead owner's lock needs no human.

use crate::child::{Running, played};
use crate::flight::{Flight, Secrets};
use deploy_native::ErrorCode;
use deploy_native_simulator::{Fault, FaultAction};
use std::time::{Duration, Instant};

/// How many processes start together.
const PROCESSES: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn i11_of_processes_that_start_together_one_works() {
    const NAME: &str = "locked::i11_of_processes_that_start_together_one_works";
    if played().await {
        return;
    }
    let (world, _) = Flight::First.start().await;
    // The one that works stays in the middle of its first change.
    world.simulator.fault(Fault::new("project.create", FaultAction::Hang));
    let mut children: Vec<Running> = (0..PROCESSES).map(|_| Running::start(NAME, &world, Flight::First)).collect();
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut refused = Vec::new();
    while refused.len() < PROCESSES - 1 {
        assert!(Instant::now() < deadline, "only {refused:?} ended");
        children.retain(|child| child.ended().map(|code| refused.push(code)).is_none());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(refused, ["STATE_LOCKED"; PROCESSES - 1]);
    let owner = children.pop().unwrap();
    let asked = Instant::now();
    let failure = world.deploy(world.request()).await.unwrap_err();
    assert!(asked.elapsed() < Duration::from_secs(5), "it fails at once");
    assert_eq!(failure.error.code(), ErrorCode::StateLocked);
    assert!(failure.error.message().contains(&format!("process {}", owner.pid())), "{}", failure.error);
    while world.simulator.count("project.create") < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    owner.kill();
    world.simulator.clear_faults();
    Flight::First.converges(&world, &Secrets::new()).await.unwrap();
}
