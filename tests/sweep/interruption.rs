//! How a run is interrupted at a point: a change that goes wrong, a server that is lost, something done at an event.

use deploy_native::{DeployEvent, EventSink};
use deploy_native_simulator::{Fault, FaultAction};
use deploy_native_test_support::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More changes, or writes to a zone, than any run makes.
pub(crate) const LONG: usize = 400;

/// The `nth` change of the server from now on goes wrong as `action` says; where that `lasts`, every later one is lost.
pub(crate) fn change_goes_wrong(world: &World, nth: usize, action: FaultAction, lasts: bool) {
    world.simulator.fault(Fault::new("mutations", action).nth(nth));
    for later in (nth + 1..nth + LONG).filter(|_| lasts) {
        world.simulator.fault(Fault::new("mutations", FaultAction::DropBefore).nth(later));
    }
}

/// Does something at the `nth` event of a run, and takes no notice of the others.
pub(crate) fn at_event(nth: usize, act: impl Fn() + Send + Sync + 'static) -> Arc<dyn EventSink> {
    let seen = AtomicUsize::new(0);
    Arc::new(move |_: DeployEvent| {
        if seen.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            act();
        }
    })
}
