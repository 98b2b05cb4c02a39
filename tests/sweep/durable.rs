//! The kill sweep of the disk: `SIGKILL` of a real process before and after each of its durable writes.

use crate::child::{command, played};
use crate::flight::Flight;
use crate::reference::{sample, say, sweep};
use crate::trace::{Seen, Side, Traced, Write};
use deploy_native_test_support::World;

const NAME: &str = "durable::i3_a_process_that_is_killed_at_some_write_to_disk";

/// Runs a child that is killed at its `nth` write, or at none.
async fn killed_at(flight: Flight, world: &World, nth: usize, side: Side) -> Seen {
    Traced::start(&command(NAME, world, flight), world.root.path(), nth, side).ended().await
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_process_that_is_killed_at_some_write_to_disk() {
    if played().await {
        return;
    }
    let mut points = Vec::new();
    for flight in [Flight::First, Flight::Removal] {
        let (world, known) = flight.start().await;
        let Seen { writes, .. } = killed_at(flight, &world, 0, Side::After).await;
        let lines = writes.iter().filter(|write| **write == Write::Line).count();
        say(&format!("{flight:?}: {lines} journal lines and {} replaced files", writes.len() - lines));
        assert!(lines >= 2 && writes.len() - lines >= 10, "{flight:?}: {writes:?}");
        // What is traced runs as if it were not.
        flight.converges(&world, &known).await.unwrap();
        points.extend((1..=writes.len()).flat_map(|nth| [(flight, nth, Side::Before), (flight, nth, Side::After)]));
    }
    sweep("SIGKILL at a write to disk", sample(points, 6, 7), |(flight, nth, side)| async move {
        let (world, known) = flight.start().await;
        let Seen { writes, killed } = killed_at(flight, &world, nth, side).await;
        // The order of what runs side by side differs between runs, and with it how much is written.
        if writes.len() >= nth && !killed {
            return Err(format!("it went on: {} writes", writes.len()));
        }
        flight.converges(&world, &known).await
    })
    .await;
}
