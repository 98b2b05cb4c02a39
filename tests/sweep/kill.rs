//! The kill sweep: `SIGKILL` of a real process at every change of the server, and at every event.

use crate::check::closed;
use crate::child::{Running, played};
use crate::flight::{Flight, Secrets};
use crate::reference::{Reference, dns_writes, points, sample, sweep};
use std::time::{Duration, Instant};

/// How long a child may take to come to its point, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

async fn wait_until(fits: impl Fn() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while !fits() {
        if Instant::now() > deadline {
            return Err("the child did not come to its point".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_process_that_is_killed_at_some_change() {
    const NAME: &str = "kill::i3_a_process_that_is_killed_at_some_change";
    if played().await {
        return;
    }
    let points = points(Flight::ALL, |reference| (1..=reference.total()).collect()).await;
    sweep("SIGKILL at a change", sample(points, 5, 2), |(flight, nth)| async move {
        let (world, known) = flight.start().await;
        let before = world.simulator.mutations().len();
        let child = Running::start(NAME, &world, flight);
        wait_until(|| world.simulator.mutations().len() >= before + nth || child.ended().is_some()).await?;
        // Before, within and after the call's effect, as it happens.
        tokio::time::sleep(Duration::from_millis(u64::try_from(nth % 4).unwrap_or_default() * 4)).await;
        child.kill();
        flight.converges(&world, &known).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_process_that_is_killed_at_some_write_to_the_zone() {
    const NAME: &str = "kill::i3_a_process_that_is_killed_at_some_write_to_the_zone";
    if played().await {
        return;
    }
    let list =
        |reference: &Reference| (1..=reference.dns_writes).flat_map(|nth| [0, 4, 8].map(|wait| (nth, wait))).collect();
    let points = points([Flight::First, Flight::Removal], list).await;
    sweep("SIGKILL at a write to the zone", sample(points, 2, 1), |(flight, (nth, wait))| async move {
        let (world, known) = flight.start().await;
        let before = dns_writes(&world);
        let child = Running::start(NAME, &world, flight);
        wait_until(|| dns_writes(&world) >= before + nth || child.ended().is_some()).await?;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        child.kill();
        flight.converges(&world, &known).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_process_that_is_killed_at_some_event() {
    const NAME: &str = "kill::i3_a_process_that_is_killed_at_some_event";
    if played().await {
        return;
    }
    let points = points([Flight::First, Flight::Removal], |reference| (1..=reference.events).collect()).await;
    sweep("SIGKILL at an event", sample(points, 3, 3), |(flight, nth)| async move {
        let (world, known) = flight.start().await;
        let child = Running::start(NAME, &world, flight);
        child.told(nth).await;
        child.kill();
        flight.converges(&world, &known).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i4_a_process_that_is_killed_while_the_port_is_open() {
    const NAME: &str = "kill::i4_a_process_that_is_killed_while_the_port_is_open";
    if played().await {
        return;
    }
    let (world, _) = Flight::First.start().await;
    let child = Running::start(NAME, &world, Flight::First);
    let is_open = || closed(&world).is_err();
    wait_until(is_open).await.unwrap();
    child.kill();
    assert!(is_open(), "nobody closed the port");
    let opened = world.simulator.requests().len();
    Flight::First.converges(&world, &Secrets::new()).await.unwrap();
    let mut next = world.simulator.mutations().into_iter().filter(|request| request.index >= opened);
    assert_eq!(next.next().unwrap().endpoint(), "tag.create", "nobody else may be at it");
    let next = next.find(|request| !request.endpoint().starts_with("tag.")).unwrap();
    assert_eq!(next.endpoint(), "postgres.saveExternalPort", "the next run closes it before anything else");
    assert!(next.body.unwrap()["externalPort"].is_null());
}
