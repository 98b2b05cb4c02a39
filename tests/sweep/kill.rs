//! The kill sweep: `SIGKILL` of a real process at every change of the server, and at every event.

use crate::check::{closed, converges, secrets_on_disk};
use crate::child::{Running, played};
use crate::reference::{Reference, sample, start, sweep};
use crate::world::World;
use std::time::{Duration, Instant};

/// How long a child may take to come to its point, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// Kills, and checks what the next run makes of it.
async fn killed(child: Running, world: &World) -> Result<(), String> {
    child.kill();
    let before = secrets_on_disk(world).await?;
    converges(world, &before).await
}

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
    let points = sample((1..=Reference::get().await.total()).collect(), 4, 2);
    sweep("SIGKILL at a change", points, |nth| async move {
        let world = start().await;
        let before = world.simulator.mutations().len();
        let child = Running::start(NAME, &world);
        wait_until(|| world.simulator.mutations().len() >= before + nth || child.ended().is_some()).await?;
        // Before, within and after the call's effect, as it happens.
        tokio::time::sleep(Duration::from_millis(u64::try_from(nth % 4).unwrap_or_default() * 4)).await;
        killed(child, &world).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_process_that_is_killed_at_some_event() {
    const NAME: &str = "kill::i3_a_process_that_is_killed_at_some_event";
    if played().await {
        return;
    }
    let points = sample((1..=Reference::get().await.events).collect(), 3, 3);
    sweep("SIGKILL at an event", points, |nth| async move {
        let world = start().await;
        let child = Running::start(NAME, &world);
        child.told(nth).await;
        killed(child, &world).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i4_a_process_that_is_killed_while_the_port_is_open() {
    const NAME: &str = "kill::i4_a_process_that_is_killed_while_the_port_is_open";
    if played().await {
        return;
    }
    let world = start().await.by_port();
    let child = Running::start(NAME, &world);
    let is_open = || closed(&world).is_err();
    wait_until(is_open).await.unwrap();
    child.kill();
    assert!(is_open(), "nobody closed the port");
    let before = secrets_on_disk(&world).await.unwrap();
    let opened = world.simulator.requests().len();
    converges(&world, &before).await.unwrap();
    let next = world.simulator.mutations().into_iter().find(|request| request.index >= opened).unwrap();
    assert_eq!(next.endpoint(), "postgres.saveExternalPort", "the next run closes it before anything else");
    assert!(next.body.unwrap()["externalPort"].is_null());
}
