//! The cancel sweep: the token fires at every step's boundary, and at any moment.

use crate::check::{converges, secrets_on_disk};
use crate::reference::{Reference, sample, start, sweep};
use crate::world::World;
use deploy_native::deploy::{DeployRequest, deploy};
use deploy_native::{DeployEvent, ErrorCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a cancelled run may take to reject (I10).
const REJECTION: Duration = Duration::from_secs(2);
/// The longest rejection of a sweep.
static LONGEST: Mutex<Duration> = Mutex::new(Duration::ZERO);

/// When the token fires.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// At an event: every step begins and ends with one.
    Event(usize),
    /// After a while.
    After(Duration),
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the time is a result")]
async fn i10_a_run_that_is_cancelled() {
    let events = Reference::get().await.events;
    let mut points = sample((1..=events).map(Moment::Event).collect(), 4, 1);
    points.extend(sample((1..40).map(|n| Moment::After(Duration::from_millis(37 * n))).collect(), 2, 5));
    sweep("cancelled", points, |moment| async move { cancelled(start().await, moment).await }).await;
    println!("longest rejection of a cancelled run: {:?}", LONGEST.lock().unwrap());
}

async fn cancelled(world: World, moment: Moment) -> Result<(), String> {
    let mut options = world.options();
    let fired: Arc<Mutex<Option<Instant>>> = Arc::default();
    let fire = {
        let (cancel, fired) = (options.cancel.clone(), Arc::clone(&fired));
        move || {
            fired.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
            cancel.cancel();
        }
    };
    match moment {
        Moment::Event(nth) => {
            let seen = AtomicUsize::new(0);
            options.events = Arc::new(move |_: DeployEvent| {
                if seen.fetch_add(1, Ordering::SeqCst) + 1 == nth {
                    fire();
                }
            });
        }
        Moment::After(while_) => {
            tokio::spawn(async move {
                tokio::time::sleep(while_).await;
                fire();
            });
        }
    }
    let result = deploy(DeployRequest::from_json(world.request()).unwrap(), options).await;
    let fired = *fired.lock().unwrap();
    if let Err(failure) = result {
        let took = fired.ok_or_else(|| format!("it failed by itself: {:?}", failure.error))?.elapsed();
        let mut longest = LONGEST.lock().unwrap();
        *longest = took.max(*longest);
        drop(longest);
        if failure.error.code() != ErrorCode::Cancelled {
            return Err(format!("i10: it fails with {:?}", failure.error));
        }
        if took > REJECTION {
            return Err(format!("i10: it takes {took:?} to reject"));
        }
    }
    let before = secrets_on_disk(&world).await?;
    converges(&world, &before).await
}
